/** One out-of-fold prediction: how far it was ahead (margin of raw scores, >= 0), and whether it was right. */
export type Trial = { readonly margin: number; readonly correct: boolean };

/** Turns a margin into the chance (0 to 1) that the prediction is right. */
export type Calibration = (margin: number) => number;

/** A wrong claim weighs this much more than a right one, so that confidence is understated rather than overstated. */
const COST_OF_A_WRONG_CLAIM = 2;
/** Beyond this margin there are too few trials to tell certain from more certain. */
const WIDEST_MARGIN = 8;
const STEPS = 400;

/**
 * Platt scaling (J. Platt, "Probabilistic outputs for support vector machines", 1999): a logistic curve through
 * the trials, fitted by Newton steps with Platt's smoothed targets, rising or flat but never falling.
 *
 * @param trials predictions on texts that the predicting model had not seen; without any, the chance is always 0
 */
export function calibrate(trials: readonly Trial[]): Calibration {
  if (trials.length === 0) return () => 0;
  const right = trials.filter((trial) => trial.correct).length;
  const targetRight = (right + 1) / (right + 2);
  const targetWrong = 1 / (trials.length - right + 2);
  const points = trials.map(({ margin, correct }) => ({
    margin: Math.min(margin, WIDEST_MARGIN),
    target: correct ? targetRight : targetWrong,
    weight: correct ? 1 : COST_OF_A_WRONG_CLAIM,
  }));
  let slope = 0;
  let offset = 0;
  for (let step = 0; step < STEPS; step += 1) {
    let [gradientSlope, gradientOffset, ss, so, oo] = [0, 0, 1e-6, 0, 1e-6];
    for (const { margin, target, weight } of points) {
      const chance = logistic(slope * margin + offset);
      const error = weight * (chance - target);
      const curve = weight * chance * (1 - chance);
      gradientSlope += error * margin;
      gradientOffset += error;
      ss += curve * margin * margin;
      so += curve * margin;
      oo += curve;
    }
    const determinant = ss * oo - so * so;
    const changeSlope = (oo * gradientSlope - so * gradientOffset) / determinant;
    const changeOffset = (ss * gradientOffset - so * gradientSlope) / determinant;
    if (!Number.isFinite(changeSlope) || !Number.isFinite(changeOffset)) break;
    slope -= changeSlope;
    offset -= changeOffset;
    if (Math.abs(changeSlope) + Math.abs(changeOffset) < 1e-9) break;
  }
  if (slope < 0) return () => right / (right + COST_OF_A_WRONG_CLAIM * (trials.length - right) + 1);
  return (margin) => logistic(slope * Math.min(margin, WIDEST_MARGIN) + offset);
}

const logistic = (value: number): number => 1 / (1 + Math.exp(-value));
