import type { Config } from './config.ts';
import type { Database } from './database.ts';
import type { AutomationState, Pause } from './domain/automation.ts';
import type { Service } from './service.ts';
import type { SourceFiles } from './sourceFiles.ts';

/** The case that the first start on an empty embedded store opens, for trying it out. */
export const SAMPLE_CASE = {
  caseId: 'C1001',
  priority: 'MEDIUM',
  lastErrorType: 'TIMEOUT',
  retryCount: 1,
  attributes: {},
  personalAttributes: {},
} as const;

const SAMPLE_TASK = {
  case_id: SAMPLE_CASE.caseId,
  description: 'Partner API failed again with timeout, please retry for policy 4711',
  channel: 'SYSTEM',
  user_role: 'OPS',
};

/** What every start tells: where everything is, who decides, what is paused, and what to try. */
export function banner(
  config: Config,
  service: Pick<Service, 'url' | 'description' | 'recommender' | 'backends' | 'logId' | 'seals'>,
  database: Pick<Database, 'description'>,
  { policy, shadow, playbook }: SourceFiles,
  { pauses }: Pick<AutomationState, 'pauses'>,
): string {
  const backends = [...service.backends.values()].map((backend) => `  backend      ${backend.describe()}`);
  return [
    '',
    `case orchestrator listens on ${service.url}   docs: ${service.url}/docs`,
    `  store        ${service.description} (log ${service.logId})`,
    ...(service.description === database.description
      ? []
      : [`  read models  and case keys: ${database.description}`]),
    `  recommender  ${service.recommender.describe()}`,
    ...backends,
    `  policy       ${policy.name} ${policy.version}, ${config.POLICY}, sha256 ${policy.hash}`,
    ...(shadow
      ? [
          `  shadow       ${shadow.name} ${shadow.version}, ${config.SHADOW_POLICY}, sha256 ${shadow.hash}; never acted on`,
        ]
      : []),
    `  playbook     ${playbook.name} ${playbook.version}, ${config.PLAYBOOK}, sha256 ${playbook.hash}`,
    `  seals        ${service.seals}`,
    `  callers      ${callers(config)}`,
    ...pauses.map((pause) => `  automation   ${pausedBy(pause)}; end it with POST /automation/resume`),
    '',
    'Try:',
    ...trial(config, service.url),
    '',
    '',
  ].join('\n');
}

/** Where callers are authenticated, a key comes first. */
function trial({ AUTHENTICATION: methods }: Config, url: string): string[] {
  const makesKey = methods.includes('keys')
    ? ['  KEY=$(npm run -s keys -- create --actor me --roles OPS --scopes read,submit)']
    : [];
  const credential = methods.length === 0 ? '' : ' -H "Authorization: Bearer $KEY"';
  return [
    ...makesKey,
    `  curl -s ${url}/case-task${credential} -H 'content-type: application/json' -d '${JSON.stringify(SAMPLE_TASK)}'`,
  ];
}

const callers = ({ AUTHENTICATION: methods }: Config): string =>
  methods.length === 0
    ? 'are NOT authenticated; every event says so'
    : `are authenticated by ${methods.join(' and ')}; send Authorization: Bearer with every request`;

const pausedBy = ({ scope, name, since, by, reason }: Pause): string =>
  `PAUSED for ${scope === 'ALL' ? 'everything' : `${scope.toLowerCase()} ${name}`} since ${since} by ${by} (${reason})`;
