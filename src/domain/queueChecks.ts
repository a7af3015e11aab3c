import { yearOf } from './businessHours.ts';
import type { PolicySource, Report } from './policySource.ts';

type Path = Parameters<Report>[0];
type Entry = PolicySource['defaultQueue'] & { readonly path: Path; readonly codes: readonly string[] | null };

/** Checks where tasks wait, for how long and where they go after that, over all entries of a policy. */
export function checkQueues(policy: PolicySource, report: Report): void {
  const entries: readonly Entry[] = [
    ...policy.queues.map((entry, index) => ({ ...entry, path: ['queues', index] })),
    { ...policy.defaultQueue, path: ['defaultQueue'], codes: null },
  ];
  checkTargets(entries, report);
  checkAgreement(entries, report);
  checkCycles(entries, report);
  checkReached(entries, report);
  checkDeadlines(entries, policy, report);
}

function checkTargets(entries: readonly Entry[], report: Report): void {
  const queues = [...new Set(entries.map(({ queue }) => queue))];
  for (const { escalateTo, path } of entries) {
    if (escalateTo === undefined || queues.includes(escalateTo)) continue;
    report(
      [...path, 'escalateTo'],
      `${escalateTo} is not a queue of this policy (${queues.join(', ')}); give it an entry under queues`,
    );
  }
}

/** A task knows the name of its queue, not the entry that brought it there. */
function checkAgreement(entries: readonly Entry[], report: Report): void {
  for (const { queue, escalateTo, path } of entries) {
    const first = entries.find((entry) => entry.queue === queue);
    if (!first || first.escalateTo === escalateTo) continue;
    const said = first.escalateTo === undefined ? 'names none' : `says ${first.escalateTo}`;
    report(
      [...path, 'escalateTo'],
      `must be the same in every entry of the queue ${queue}, whose first one ${said}`,
    );
  }
}

/** Whoever never decides would be asked for ever, and nobody else would. */
function checkCycles(entries: readonly Entry[], report: Report): void {
  const told = new Set<string>();
  for (const { queue, path } of entries) {
    const way = escalationsFrom(queue, entries);
    if (way.at(-1) !== queue || told.has(queue)) continue;
    for (const each of way) told.add(each);
    report(
      [...path, 'escalateTo'],
      `goes in a circle: ${[queue, ...way].join(' -> ')}; leave one of these escalateTo out`,
    );
  }
}

/** The queues that a task goes through after this one, until there is none or one comes again. */
function escalationsFrom(queue: string, entries: readonly Entry[]): readonly string[] {
  const way: string[] = [];
  for (let last = queue; ; ) {
    const next = entries.find((entry) => entry.queue === last)?.escalateTo;
    if (next === undefined || way.includes(next)) return way;
    way.push(next);
    last = next;
  }
}

function checkReached(entries: readonly Entry[], report: Report): void {
  for (const { queue, codes, path } of entries) {
    if (codes === null || codes.length > 0) continue;
    const at = [...path, 'codes'];
    if (entries.filter((entry) => entry.queue === queue).length > 1) {
      report(at, `may be left out only where the queue ${queue} has one entry; list codes, or remove one`);
    } else if (!entries.some(({ escalateTo }) => escalateTo === queue)) {
      report(at, `nothing leads to the queue ${queue}: list codes, or name it in another queue's escalateTo`);
    }
  }
}

function checkDeadlines(entries: readonly Entry[], { reviews }: PolicySource, report: Report): void {
  if (!reviews.businessHours) return;
  const year = yearOf(reviews.businessHours);
  for (const { path, dueMinutes, dueMinutesByPriority } of entries) {
    const check = (minutes: number, at: Path): void => {
      if (minutes <= year) return;
      report(at, `must be at most ${year}, a year of reviews.businessHours, but is ${minutes}`);
    };
    check(dueMinutes, [...path, 'dueMinutes']);
    for (const [priority, minutes] of Object.entries(dueMinutesByPriority)) {
      check(minutes, [...path, 'dueMinutesByPriority', priority]);
    }
  }
}
