import { readFile } from 'node:fs/promises';
import { validateBackends } from './backends/backends.ts';
import { type Config, isTryingOut } from './config.ts';
import { type Playbook, parsePlaybook } from './domain/playbook.ts';
import { type Policy, parsePolicy } from './domain/policy.ts';
import { InvalidSourceError } from './domain/yaml.ts';

/**
 * Reads playbook and policy from the files that the configuration names, and holds them against each other.
 *
 * @throws InvalidSourceError naming file, line and rule of everything that is wrong
 */
export async function readSourceFiles(
  config: Config,
): Promise<{ readonly playbook: Playbook; readonly policy: Policy }> {
  const playbookText = await readText(config.PLAYBOOK);
  const policyText = await readText(config.POLICY);
  const playbook = parsePlaybook(playbookText, config.PLAYBOOK, (read) => [
    ...validateBackends(read),
    ...simulatedBackends(config, read),
  ]);
  return { playbook, policy: parsePolicy(policyText, config.POLICY, playbook) };
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'not UTF-8';
    throw new InvalidSourceError([{ file, line: 1, path: '', message: `cannot be read (${code})` }]);
  }
}

function simulatedBackends(config: Config, playbook: Playbook): ReturnType<typeof validateBackends> {
  if (isTryingOut(config) || config.ALLOW_SIMULATED) return [];
  return Object.entries(playbook.backends)
    .filter(([, spec]) => spec.kind === 'simulated')
    .map(([route]) => ({
      path: ['backends', route, 'kind'],
      message:
        'simulated backends do nothing; with DATABASE_URL or another HOST they need ALLOW_SIMULATED=true',
    }));
}
