import { parse } from 'yaml';
import { z } from 'zod';

const service = z.looseObject({
  image: z.string().optional(),
  build: z.unknown().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()).min(2) }).optional(),
  restart: z.string(),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
});
const compose = z.looseObject({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()).default({}),
});

type Service = z.infer<typeof service>;
export type Compose = z.infer<typeof compose>;

/** A compose file, anchors and merges resolved, in the short forms that this project's files keep to. */
export const readCompose = (text: string): Compose => compose.parse(parse(text, { merge: true }));

/**
 * What no schema knows and the stack must hold: pinned images, ports on loopback, health checks, conditions that can come
 * true, declared volumes, least privileges.
 *
 * @param imageHasHealthCheck whether the image that `build` makes brings one
 * @returns a line per problem
 */
export function composeProblems({ services, volumes }: Compose, imageHasHealthCheck: boolean): string[] {
  const isChecked = ({ healthcheck, build }: Service): boolean =>
    healthcheck !== undefined || (build !== undefined && imageHasHealthCheck);
  const used = new Set(Object.values(services).flatMap((one) => one.volumes.map(volumeName)));
  const problems = Object.entries(services).flatMap(([name, one]) =>
    [
      ...imageProblems(one),
      ...privilegeProblems(one),
      ...one.ports.filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `publishes ${port}`),
      ...one.volumes
        .filter((volume) => !(volumeName(volume) in volumes))
        .map((volume) => `mounts the undeclared ${volume}`),
      ...Object.entries(one.depends_on).flatMap(([other, { condition }]) =>
        conditionProblems(other, condition, services[other], isChecked),
      ),
      ...(one.restart === 'no' || isChecked(one) ? [] : ['has no health check']),
    ].map((problem) => `${name} ${problem}`),
  );
  const unused = Object.keys(volumes).filter((volume) => !used.has(volume));
  return [...problems, ...unused.map((volume) => `the volume ${volume} is not used`)];
}

const volumeName = (volume: string): string => volume.split(':')[0] ?? '';

function imageProblems({ image, build }: Service): string[] {
  if (image === undefined) return build === undefined ? ['has neither image nor build'] : [];
  return /:\d+\.\d+[\w.-]*$/.test(image) ? [] : [`does not pin ${image} to a version`];
}

function privilegeProblems(one: Service): string[] {
  const problems: string[] = [];
  if (!one.cap_drop.includes('ALL')) problems.push('keeps capabilities');
  if (!one.security_opt.includes('no-new-privileges:true')) problems.push('may gain privileges');
  for (const key of ['privileged', 'devices', 'pid', 'ipc', 'userns_mode']) {
    if (key in one) problems.push(`sets ${key}`);
  }
  if (one.network_mode === 'host') problems.push('shares the network of the host');
  return problems;
}

function conditionProblems(
  other: string,
  condition: string,
  target: Service | undefined,
  isChecked: (one: Service) => boolean,
): string[] {
  if (!target) return [`waits for ${other}, which is not there`];
  if (condition === 'service_healthy') {
    return isChecked(target) ? [] : [`waits for the health of ${other}, which has no health check`];
  }
  if (condition === 'service_completed_successfully') {
    return target.restart === 'no' ? [] : [`waits for the end of ${other}, which is restarted`];
  }
  return [`waits for ${other} to be ${condition} only`];
}

/**
 * The environment of a service with `${NAME:-default}` and `${NAME:?message}` filled in, as compose would.
 *
 * @param given what stands in the environment of compose
 */
export function environmentOf(one: Service, given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(one.environment).map(([name, value]) => [name, interpolate(value, given)]),
  );
}

const interpolate = (text: string, given: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (whole, name: string, kind?: string, rest?: string) => {
    const value = given[name];
    if (value) return value;
    if (kind === '-') return rest ?? '';
    throw new Error(`${whole}: ${name} must be given`);
  });
