import { tmpdir } from 'node:os';
import { imageWords } from '../../domain/content-words.ts';
import type { ImageReference } from '../../domain/tools/image-reference.ts';
import type { Engine } from '../../ports.ts';
import { restoreCommands } from './by-hand.ts';
import { examination } from './examination.ts';
import { isOfIndexAlone } from './facts.ts';
import { layoutShelf } from './layout/files.ts';
import { drillPlace, ownName, placeCalled, placeText } from './place.ts';
import type { ImagePlace } from './place.ts';
import { openBlobPart } from './plan/parts.ts';
import { planImage } from './plan/plan.ts';
import { repositoryClient } from './registry/client.ts';
import type { RepositoryClient } from './registry/client.ts';
import { doorOf } from './registry/door.ts';
import type { RegistryAccess } from './registry/door.ts';
import { registryShelf } from './registry/shelf.ts';
import { keptByHand } from './restore/kept-tag.ts';
import { layoutTarget } from './restore/layout-target.ts';
import { registryTarget } from './restore/registry-target.ts';
import type { ImageShelf } from './shelf.ts';

/** A configured image, and how to reach its registry. */
export type ImageAt = {
  reference: ImageReference;
  platforms: readonly string[];
  access: RegistryAccess;
  scratch?: string | undefined;
};

/** The image of a source, or another one: a tag beside it, a full reference, or a folder. */
export function openImage(
  at: ImageAt,
  { database, drill = false }: { database?: string | undefined; drill?: boolean | undefined } = {},
): { engine: Engine; database: string } {
  const own = ownName(at.reference);
  const name = database ?? own;
  const place = drill ? drillPlace(at.scratch ?? tmpdir(), name) : placeCalled(name, at.reference);
  return { engine: imageEngine(at, { name, place }), database: name };
}

/** An image in a registry: each blob and each manifest is a part, named by its digest. */
function imageEngine(at: ImageAt, here: { name: string; place: ImagePlace }): Engine {
  const clients = new Map<string, RepositoryClient>();

  /** One per repository, because it keeps the token that it was given. */
  function clientOf(reference: ImageReference): RepositoryClient {
    const key = `${reference.registry}/${reference.repository}`;
    const client = clients.get(key) ?? repositoryClient(doorOf(reference, at), reference.repository);
    clients.set(key, client);
    return client;
  }
  function shelfAt(place: ImagePlace): ImageShelf {
    return 'layout' in place ? layoutShelf(place.layout) : registryShelf(clientOf(place.reference), place.reference);
  }

  const kept = 'reference' in here.place ? keptByHand(here.place.reference) : undefined;

  return {
    name: 'image',
    words: imageWords,
    place: placeText(here.place),
    plan({ like, database, sharing }, signal) {
      const { name, place } =
        database === undefined ? here : { name: database, place: placeCalled(database, at.reference) };
      // a restored image has only the platforms that were chosen
      const platforms = like === undefined ? at.platforms : [];
      return planImage({ shelf: shelfAt(place), place, name, platforms, like, sharing }, signal);
    },
    shares: true,
    open: (part, signal) => openBlobPart(part, shelfAt, signal),
    async target(options, signal) {
      const { name, place } = here;
      return 'layout' in place
        ? layoutTarget({ folder: place.layout, name }, options)
        : registryTarget({ client: clientOf(place.reference), reference: place.reference, name }, options, signal);
    },
    ...(kept && { keptByHand: kept }),
    ownerKinds: [],
    // digests are the same everywhere
    async settle({ unequal }) {
      const others = unequal.filter((one) => !isOfIndexAlone(one));
      return { ways: {}, exceptions: [], different: others.length > 0 ? others : unequal };
    },
    restoreCommands: (parts, plan) => restoreCommands(parts, plan.catalog),
    examinations: () => [examination(shelfAt(here.place))],
  };
}
