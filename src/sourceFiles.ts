import { readFile } from 'node:fs/promises';
import { validateBackends } from './backends/backends.ts';
import { type Config, isTryingOut } from './config.ts';
import { type Playbook, parsePlaybook } from './domain/playbook.ts';
import { type Policy, parsePolicy } from './domain/policy.ts';
import { mustBeQuick } from './domain/shadowCost.ts';
import { InvalidSourceError } from './domain/yaml.ts';

/** What decides, as the files say that the configuration names. */
export type SourceFiles = {
  readonly playbook: Playbook;
  readonly policy: Policy;
  /** A candidate that is evaluated beside the policy and never acted on; null without one. */
  readonly shadow: Policy | null;
};

/**
 * Reads playbook, policy and shadow policy from the files that the configuration names, and holds them against each other.
 *
 * @throws InvalidSourceError naming file, line and rule of everything that is wrong
 */
export async function readSourceFiles(config: Config): Promise<SourceFiles> {
  const playbookText = await readText('PLAYBOOK', config.PLAYBOOK);
  const policyText = await readText('POLICY', config.POLICY);
  const playbook = parsePlaybook(playbookText, config.PLAYBOOK, (read) => [
    ...validateBackends(read),
    ...simulatedBackends(config, read),
  ]);
  const policy = parsePolicy(policyText, config.POLICY, playbook);
  return { playbook, policy, shadow: await readShadow(config, playbook) };
}

async function readShadow({ SHADOW_POLICY: file }: Config, playbook: Playbook): Promise<Policy | null> {
  if (file === undefined) return null;
  const shadow = parsePolicy(await readText('SHADOW_POLICY', file), file, playbook);
  mustBeQuick(shadow, file);
  return shadow;
}

async function readText(variable: 'PLAYBOOK' | 'POLICY' | 'SHADOW_POLICY', file: string): Promise<string> {
  const unreadable = (why: string): InvalidSourceError =>
    new InvalidSourceError([{ file, line: 1, path: '', message: `cannot be read: ${why}` }]);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(`${error.code ?? error.name}; ${variable} names the file`);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable('it is not UTF-8');
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
