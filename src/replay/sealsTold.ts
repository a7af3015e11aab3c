import type { SealsReport } from './report.ts';

const ANCHORS = {
  READ: 'held against the anchor',
  NONE: 'no anchor: a missing end of the log, with the seals in it, cannot be seen',
  MISSING:
    'the anchor is not where it should be: a missing end of the log, with the seals in it, cannot be seen',
} as const;

/** What was found about seals, in lines for people. */
export function sealLinesOf(seals: SealsReport | null): string[] {
  if (!seals)
    return [
      'seals        none: that the end of a stream is missing, or its chain computed anew, cannot be seen without',
    ];
  const { anchored, notAnchored, anchor, sealedEvents, unsealedEvents, unsealedSince, keys } = seals;
  const unsealed =
    unsealedEvents === 0
      ? 'everything is sealed'
      : `${unsealedEvents} events since ${unsealedSince ?? 'an unknown time'} are not sealed yet`;
  return [
    `seals        ${anchored + notAnchored} over ${sealedEvents} events, the last of ${seals.lastSealedAt ?? 'an unknown time'}; ${unsealed}`,
    `             ${ANCHORS[anchor]}${notAnchored > 0 && anchor === 'READ' ? `; ${notAnchored} signed, not anchored` : ''}`,
    ...keys.map(
      ({ keyId, seals: count, isTrusted }) =>
        `             ${count} signed with ${isTrusted ? 'the trusted key' : 'a key that is NOT TRUSTED:'} ${keyId}`,
    ),
  ];
}
