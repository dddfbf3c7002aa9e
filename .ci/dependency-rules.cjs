// Who may import whom (docs/architecture.md).
const core = (folders) => `^core/(${folders})`;
const adapters = 'engines|vaults|secrets|telling/notifiers|telling/hooks';
/** What an engine says of itself, which the configuration and the stack read: what it needs to work is loaded later. */
const described = '(engines|vaults)/(index|descriptor|on-servers|server-problems|[^/]+/descriptor)';
const typesOfAdapters = '(ports|vault|surroundings|tools|engines/login)[.]ts';
const io =
  '^(node:)?(fs|child_process|net|tls|http|https|dgram|worker_threads)(/|$)|/@aws-sdk/|/node_modules/(pg|mysql2)/';

/**
 * Nothing in `from` imports anything in `to`, but what `except` allows. Types count, unless `types` says that they may
 * pass.
 */
const wall = (name, from, to, { except, types = false } = {}) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: to, ...(except && { pathNot: except }), ...(types && { dependencyTypesNot: ['type-only'] }) },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    wall('domain-is-pure', core('domain|contract'), '', {
      except: [core('domain|contract'), core('(engines|vaults)/(index|descriptor)[.]ts'), '/zod/', '/croner/'],
      types: true,
    }),
    {
      name: 'domain-does-no-io',
      severity: 'error',
      from: { path: core('domain|contract') },
      to: { dependencyTypes: ['core'] },
    },
    wall('domain-knows-no-adapter', core('domain/'), core('(engines|vaults)/')),
    {
      name: 'descriptors-are-pure',
      severity: 'error',
      from: { path: core(`${described}[.]ts`) },
      // of the last ones, types alone
      to: {
        pathNot: [core(`contract|domain|${described}[.]ts`), '/zod/', core(typesOfAdapters)],
        dynamic: false,
      },
    },
    wall(
      'ports-are-promises-alone',
      '^core/(ports|vault)[.]ts',
      core('(?!contract|domain|pipeline/rows/reader|ports)'),
    ),
    wall('pipeline-knows-nothing-above', core('pipeline/'), core('(?!pipeline|contract|domain|ports|tools)')),
    wall('work-gets-adapters-as-arguments', core('(commands|store|survey)/'), core(`(${adapters})/|compose|tools`)),
    wall('work-does-no-io', core('(commands|store|survey)/'), io),
    wall(
      'only-the-store-speaks-to-vaults',
      '^(core/(?!store/|vaults/|vault[.]ts|compose[.]ts|contract/config/vaults/vault[.]ts)|bin|functions|lib)',
      core('(vault[.]ts|vaults/)'),
    ),
    wall(
      'only-the-store-knows-places',
      '^(core/(?!store/|vaults/|domain/|contract/)|bin|functions|lib/(?!rights/))',
      core('domain/layout/'),
    ),
    wall('store-knows-nothing-above', core('store/'), core('(commands|survey|telling)/')),
    wall('survey-knows-no-command', core('survey/'), core('(commands|telling)/')),
    wall('telling-knows-no-command', core('telling/'), core('commands/')),
    wall('adapters-know-no-work', core(`(${adapters})/`), core('(commands|store|survey|telling/[^/]+[.]ts)|compose')),
    wall('adapters-are-apart', `^core/(${adapters})/`, core(`(${adapters})/`), { except: '^core/$1/' }),
    wall('engines-are-apart', '^core/engines/([^/]+)/', '^core/engines/(?!places/)[^/]+/', {
      except: '^core/engines/$1/',
    }),
    wall('vaults-are-apart', '^core/vaults/([^/]+)/', '^core/vaults/[^/]+/', { except: '^core/vaults/$1/' }),
    wall(
      'tools-know-no-work',
      core('(tools|holder|config-file)[.]ts'),
      core('(commands|store|survey|telling|engines|vaults|secrets)/|compose'),
    ),
    wall('core-knows-no-host', '^core/', '^(lib|functions|bin|layers|test)/|aws-cdk-lib|/constructs/'),
    {
      name: 'only-hosts-compose',
      severity: 'error',
      from: { pathNot: '^(bin|functions|test)/' },
      to: { path: '^core/compose' },
    },
    wall('lib-sees-contract-and-domain-alone', '^lib/', '^(core|functions|bin|layers)/', {
      except: '^core/(contract|domain)/',
    }),
    wall('nothing-ships-with-a-test-inside', '^(core|functions|lib|layers)/', '^test/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(\\.as\\.ts$|^dist/|^layers/db-tools/build/)' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
