/** What the scores of a backtest cannot say, in words for whoever decides about the policy. */
export const SELECTION_BIAS = [
  'Outcomes are known only of what a person approved or a policy executed. People approve what looks right to them, so the tasks with a ' +
    'known outcome are the better ones: expect more failures among those that nobody approved than the share printed here.',
  'A task whose outcome is not known counts neither as success nor as failure. The more of them there are, the less the shares say.',
  'A person may have looked into more than was recorded, or done something before approving. Executed without a person, the same task may ' +
    'have ended otherwise.',
  'Each verdict is judged on the facts of its own moment. With the candidate in force later facts would have been others (retries, ' +
    'failures, what people had to do): from the first flip of a task on, the rest of its history is not what would have happened.',
] as const;
