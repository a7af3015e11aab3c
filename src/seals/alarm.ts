/** Why sealing has stopped until somebody looks: going on would bury the evidence. */
export type AlarmReason =
  /** The last seal in the anchor is not in the log: the log was cut, replaced, or changed. */
  | 'ANCHORED_SEAL_NOT_IN_LOG'
  /** The log is not what one of its seals says. */
  | 'LOG_NOT_AS_SEALED'
  /** A seal in the log is of no trusted key, or its signature is not of its key. */
  | 'SEAL_NOT_TRUSTED'
  /** A seal, in the log or in the anchor, cannot be read. */
  | 'SEAL_UNREADABLE';

/** Sealing has stopped: what is there is not what was sealed. The message says where. */
export class SealAlarmError extends Error {
  readonly code = 'SEAL_ALARM';
  readonly reason: AlarmReason;
  constructor(reason: AlarmReason, message: string) {
    super(message);
    this.name = 'SealAlarmError';
    this.reason = reason;
  }
}
