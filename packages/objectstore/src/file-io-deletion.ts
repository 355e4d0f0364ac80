import type { StoreLocation } from './factory/object-store-factory.ts';
import { parseKey } from './key.ts';

/** A file that could not be deleted. */
interface FailedDeletion {
  readonly location: string;
  readonly error: unknown;
}

/** The files of one store that are to go: each key with the places of the locations that name it. */
interface Batch {
  readonly open: StoreLocation['open'];
  readonly places: Map<string, number[]>;
}

/** See `StoreFileIO.deleteFiles`: one `deleteMany` for each store that the locations lie in. */
export async function deleteFiles(
  locate: (location: string) => StoreLocation,
  locations: readonly string[],
): Promise<readonly FailedDeletion[]> {
  // As they are now: the caller may change the array before all have gone.
  const given = [...locations];
  const errors = new Map<number, unknown>();
  const batches = new Map<string, Batch>();
  for (const [place, location] of given.entries()) {
    try {
      const { root, path: key, open } = locate(location);
      parseKey(key);
      const batch = batches.get(root) ?? { open, places: new Map<string, number[]>() };
      batches.set(root, batch);
      const places = batch.places.get(key);
      if (places === undefined) batch.places.set(key, [place]);
      else places.push(place);
    } catch (error) {
      errors.set(place, error);
    }
  }
  await Promise.all([...batches.values()].map((batch) => deleteBatch(batch, errors)));
  return [...errors]
    .sort(([a], [b]) => a - b)
    .map(([place, error]) => ({ location: given[place] ?? '', error }));
}

async function deleteBatch({ open, places }: Batch, errors: Map<number, unknown>): Promise<void> {
  const fail = (key: string, error: unknown) => {
    for (const place of places.get(key) ?? []) errors.set(place, error);
  };
  try {
    const store = await open();
    for (const { key, error } of await store.deleteMany([...places.keys()])) fail(key, error);
  } catch (error) {
    // The store could not be opened or asked: none of its files is known to be gone.
    for (const key of places.keys()) fail(key, error);
  }
}
