import { validate } from 'dockerfile-utils';

type Instruction = { readonly keyword: string; readonly text: string; readonly stage: number };

/** The instructions of a Dockerfile in order, continued lines joined, comments left out; `stage` counts FROM from 1. */
export function instructionsOf(dockerfile: string): Instruction[] {
  let stage = 0;
  return dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [keyword = '', ...rest] = line.trim().split(/\s+/);
      if (keyword === 'FROM') stage += 1;
      return { keyword, text: rest.join(' '), stage };
    });
}

/**
 * What the validator finds, and what it does not know: pinned bases, no root, a health check, nothing copied that is kept
 * from the builder.
 *
 * @param dockerignore allow list: `*` first, then a line `!path` for each path that is sent
 * @returns a line per problem
 */
export function dockerfileProblems(dockerfile: string, dockerignore: string): string[] {
  const instructions = instructionsOf(dockerfile);
  const last = instructions.filter(({ stage }) => stage === instructions.at(-1)?.stage);
  const find = (keyword: string): string | undefined =>
    last.findLast((instruction) => instruction.keyword === keyword)?.text;
  const problems = validate(dockerfile).map(
    ({ message, range }) => `line ${range.start.line + 1}: ${message}`,
  );
  for (const { keyword, text } of instructions) {
    if (keyword === 'FROM' && !/^\S+:\d+\.\d+\.\d+\S*( AS \S+)?$/.test(text))
      problems.push(`not pinned: ${text}`);
  }
  if (/^(root|0)?(:|$)/.test(find('USER') ?? '')) problems.push('runs as root');
  if (!/--timeout=.* CMD \[/.test(find('HEALTHCHECK') ?? ''))
    problems.push('has no health check with a time-out');
  if (!/^\[/.test(find('CMD') ?? '')) problems.push('has no CMD that gets signals');
  return [...problems, ...copyProblems(instructions, dockerignore)];
}

function copyProblems(instructions: readonly Instruction[], dockerignore: string): string[] {
  const [first, ...lines] = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (first !== '*') return ['.dockerignore does not begin with *'];
  const sent = new Set(lines.map((line) => line.replace(/^!/, '')));
  const copied = instructions
    .filter(({ keyword, text }) => keyword === 'COPY' && !text.startsWith('--from='))
    .flatMap(({ text }) => text.split(' ').slice(0, -1));
  return [
    ...copied.filter((path) => !sent.has(path)).map((path) => `${path} is copied, but kept from the builder`),
    ...[...sent].filter((path) => !copied.includes(path)).map((path) => `${path} is sent, but not copied`),
  ];
}
