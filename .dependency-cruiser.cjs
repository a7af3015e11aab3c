/** Arrows point inward (docs/architecture.md): api -> commands -> domain; adapters implement ports; nobody imports api. */
const only = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: '^src/', pathNot: [from, ...allowed] },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '^src/(cli/|main\\.ts)' },
      to: {},
    },
    only('domain-is-pure', '^src/domain/', [], 'the domain imports nothing outside of itself'),
    {
      name: 'domain-uses-pure-packages',
      severity: 'error',
      comment: 'no clock, no network, no files: hashing is the one thing taken from node',
      from: { path: '^src/domain/' },
      to: {
        dependencyTypes: ['core', 'npm'],
        pathNot: 'node_modules/(zod|yaml|canonicalize|luxon|@marcbachmann/cel-js)/|^(node:)?crypto$',
      },
    },
    only(
      'eventstore-imports',
      '^src/eventstore/',
      ['^src/domain/', '^src/postgres/', '^src/runtime/clock\\.ts'],
      'port, codec and adapters',
    ),
    only(
      'coordination-imports',
      '^src/coordination/',
      ['^src/domain/', '^src/projections/(tasks|memoryRowStore)\\.ts', '^src/runtime/clock\\.ts'],
      'port and adapters; it reads the tasks that the read models hold',
    ),
    only('vault-imports', '^src/vault/', ['^src/domain/', '^src/postgres/errors\\.ts'], 'keys and ciphers'),
    only(
      'auth-imports',
      '^src/auth/',
      ['^src/domain/', '^src/runtime/clock\\.ts', '^src/(input|loopback)\\.ts'],
      'who calls: API keys and tokens',
    ),
    only(
      'recommender-imports',
      '^src/recommender/',
      ['^src/domain/', '^src/runtime/breaker\\.ts'],
      'port and adapters',
    ),
    only(
      'backends-imports',
      '^src/backends/',
      ['^src/domain/', '^src/runtime/breaker\\.ts'],
      'port and adapters',
    ),
    only('postgres-imports', '^src/postgres/', [], 'knows nothing of cases'),
    only('runtime-imports', '^src/runtime/', ['^src/domain/'], 'clock, log, metrics'),
    only(
      'commands-imports',
      '^src/commands/',
      [
        '^src/domain/',
        '^src/runtime/(clock|logger|observer)\\.ts',
        '^src/eventstore/(port|log)\\.ts',
        '^src/(coordination|recommender|backends)/port\\.ts',
        '^src/vault/(vault|port)\\.ts',
      ],
      'use cases know ports, never adapters',
    ),
    only(
      'projections-imports',
      '^src/projections/',
      [
        '^src/domain/',
        '^src/eventstore/(port|codec)\\.ts',
        '^src/coordination/port\\.ts',
        '^src/postgres/(errors|transaction)\\.ts',
        '^src/runtime/(clock|logger|observer)\\.ts',
      ],
      'read models can reach no model and no backend (rule 7)',
    ),
    only(
      'replay-imports',
      '^src/replay/',
      [
        '^src/domain/',
        '^src/eventstore/(port|codec|chain)\\.ts',
        '^src/projections/(projection|rowStore|rowKeys|applyBatch)\\.ts',
        '^src/runtime/clock\\.ts',
      ],
      'verification reads the log and the read models, and nothing else',
    ),
    {
      name: 'replay-reaches-no-effects',
      severity: 'error',
      comment: 'rule 7: what replays cannot reach a model or a backend, however far its imports are followed',
      from: { path: '^src/(replay/|cli/verify\\.ts$)' },
      to: {
        path: '^src/(recommender|backends)/|^src/commands/(driveTask|effects|taskRunner)\\.ts$',
        reachable: true,
      },
    },
    {
      name: 'nobody-imports-api',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(api/|service\\.ts)' },
      to: { path: '^src/api/' },
    },
    {
      name: 'api-calls-nothing-outside',
      severity: 'error',
      comment: 'routes reach models and backends through the loop alone',
      from: { path: '^src/api/' },
      to: { path: '^src/(recommender|backends)/' },
    },
    {
      name: 'effects-in-one-place',
      severity: 'error',
      comment: 'src/commands/effects.ts is the only place where a model or a backend is called',
      from: { path: '^src/commands/', pathNot: '^src/commands/effects\\.ts' },
      to: { path: '^src/(recommender|backends)/' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    builtInModules: { add: ['node:sqlite'] },
    enhancedResolveOptions: {
      extensions: ['.ts', '.cjs', '.js'],
      conditionNames: ['import', 'node', 'types', 'default'],
      exportsFields: ['exports'],
    },
  },
};
