// Who may import whom (docs/architecture.md).
const core = (folders) => `^core/(${folders})`;
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'domain-is-pure', severity: 'error', from: { path: core('domain|contract') }, to: { pathNot: [core('domain|contract'), '/zod/', '/croner/'], dependencyTypesNot: ['type-only'] } },
    { name: 'domain-does-no-io', severity: 'error', from: { path: core('domain|contract') }, to: { dependencyTypes: ['core'] } },
    { name: 'commands-get-adapters-as-arguments', severity: 'error', from: { path: core('commands') }, to: { path: core('engines|vaults|notifiers|hooks|secrets|compose') } },
    { name: 'adapters-do-not-know-each-other', severity: 'error', from: { path: '^core/(engines|vaults|notifiers|hooks|secrets)/' }, to: { path: core('commands|compose') } },
    { name: 'engines-do-not-know-each-other', severity: 'error', from: { path: '^core/engines/([^/]+)/' }, to: { path: '^core/engines/[^/]+/', pathNot: '^core/engines/$1/' } },
    { name: 'engines-and-vaults-are-apart', severity: 'error', from: { path: core('engines') }, to: { path: core('vaults') } },
    { name: 'vaults-and-engines-are-apart', severity: 'error', from: { path: core('vaults') }, to: { path: core('engines') } },
    { name: 'core-knows-no-host', severity: 'error', from: { path: '^core/' }, to: { path: '^(lib|functions|bin|layers|test)/|aws-cdk-lib|/constructs/' } },
    { name: 'only-hosts-compose', severity: 'error', from: { pathNot: '^(bin|functions|test)/' }, to: { path: '^core/compose' } },
    { name: 'lib-sees-contract-and-domain-alone', severity: 'error', from: { path: '^lib/' }, to: { path: '^(core|functions|bin|layers)/', pathNot: '^core/(contract|domain)/' } },
    { name: 'nothing-ships-with-a-test-inside', severity: 'error', from: { path: '^(core|functions|lib|layers)/' }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(\\.as\\.ts$|^dist/|^layers/db-tools/build/)' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
