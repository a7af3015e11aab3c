import { createBackends } from '../backends/backends.ts';
import { readConfig } from '../config.ts';
import { createRecommender } from '../recommender/recommender.ts';
import { systemClock } from '../runtime/clock.ts';
import { describeSealing, readSealSettings } from '../sealing.ts';
import { readSourceFiles } from '../sourceFiles.ts';
import { run, say } from './run.ts';

/** `npm run check-config`: checks environment, playbook and policy, and starts nothing. */
run(async () => {
  const config = readConfig(process.env);
  const { playbook, policy, shadow } = await readSourceFiles(config);
  const recommender = createRecommender(config, playbook, systemClock);
  const backends = createBackends(playbook, {
    clock: systemClock,
    resolveSecret: (name) => process.env[name],
  });
  say(`environment  is valid; the API would listen on ${config.HOST}:${config.PORT}`);
  say(
    `playbook     ${config.PLAYBOOK} is valid: ${Object.keys(playbook.intents).length} intents, sha256 ${playbook.hash}`,
  );
  say(
    `policy       ${config.POLICY} is valid: ${policy.guardrails.length} guardrails, sha256 ${policy.hash}`,
  );
  if (shadow)
    say(
      `shadow       ${config.SHADOW_POLICY} is valid: ${shadow.guardrails.length} guardrails, sha256 ${shadow.hash}; never acted on`,
    );
  say(`seals        ${describeSealing(await readSealSettings(config))}`);
  say(`recommender  ${recommender.describe()}`);
  for (const backend of backends.values()) say(`backend      ${backend.describe()}`);
});
