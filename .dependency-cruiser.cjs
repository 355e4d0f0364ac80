/** The arrows of docs/architecture.md: who may import whom. Anything not drawn is forbidden. */
const arrows = {
  wal: [],
  resilience: [],
  objectstore: ['resilience'],
  'parquet-writer': [],
  iceberg: [],
  'iceberg-catalog-sql': ['iceberg'],
  'iceberg-catalog-rest': ['iceberg', 'resilience'],
  client: ['resilience'],
  storage: ['wal', 'objectstore', 'parquet-writer', 'iceberg', 'resilience'],
};
const tests = '(\\.test(-d)?\\.ts$|/test/)';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(arrows).map(([name, allowed]) => ({
      name: `arrows-of-${name}`,
      severity: 'error',
      from: { path: `^packages/${name}/`, pathNot: tests },
      to: { path: '^(packages|apps)/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
    })),
    {
      name: 'no-deep-imports',
      comment: 'A sibling is imported by its name, never by a path into its source.',
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/' },
      to: { path: '^(packages|apps)/([^/]+)/', pathNot: '^$1/$2/', dependencyTypes: ['local'] },
    },
    {
      name: 'no-orphan-dependency',
      severity: 'error',
      from: { pathNot: tests },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'dist'] },
    exclude: { path: ['/dist/', '/gen/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      conditionNames: ['@danube/source', 'import', 'types', 'default'],
      exportsFields: ['exports'],
    },
  },
};
