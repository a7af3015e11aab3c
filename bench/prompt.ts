import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decisionContract } from '../src/domain/decisionContract.ts';
import { parsePlaybook } from '../src/domain/playbook.ts';
import { responseFormat } from '../src/recommender/openaiClient.ts';
import { systemPrompt } from '../src/recommender/prompt.ts';

const PLAYBOOK = fileURLToPath(new URL('../config/playbook.yaml', import.meta.url));

/** Writes what this project asks a model with, so that everybody's requests are as large as its own. */
export async function writePrompt(file: string): Promise<void> {
  const playbook = parsePlaybook(await readFile(PLAYBOOK, 'utf8'), 'playbook.yaml');
  const asked = {
    system: systemPrompt(playbook),
    responseFormat: responseFormat(decisionContract(playbook)),
  };
  await writeFile(file, JSON.stringify(asked));
}
