import { unquoteName } from './quoting.ts';

/** The definition of one view, as lines of a dump. */
export type ViewBlock = { name: string; lines: string[] };

const tableReference = /(?:\bfrom|\bjoin|\(|,)\s*(`(?:[^`]|``)*`)(?!\.)/gi;

/**
 * Views in an order in which each comes behind those it reads. mariadb-dump writes them by name, and a view WITH CHECK OPTION can't be
 * made on a placeholder, so its own order does not always restore. Views that seem to read each other keep the order they came in.
 */
export function inOrderOfUse(views: ViewBlock[]): ViewBlock[] {
  const byName = new Map(views.map((view) => [view.name, view]));
  const ordered = new Set<ViewBlock>();
  const entered = new Set<ViewBlock>();
  const visit = (view: ViewBlock) => {
    if (entered.has(view)) return;
    entered.add(view);
    for (const name of namesIn(view)) {
      const used = byName.get(name);
      if (used !== undefined) visit(used);
    }
    ordered.add(view);
  };
  views.forEach(visit);
  return [...ordered];
}

function namesIn({ lines }: ViewBlock): Set<string> {
  return new Set([...lines.join('').matchAll(tableReference)].map(([, quoted]) => unquoteName(quoted!)));
}
