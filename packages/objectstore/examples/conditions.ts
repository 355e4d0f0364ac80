import { createMemoryObjectStore, ObjectStoreError } from '@danube/objectstore';

const store = createMemoryObjectStore();

// Of any number of simultaneous puts, from any number of processes, exactly one resolves.
async function becomeLeader(name: string): Promise<boolean> {
  try {
    await store.put('locks/leader', Buffer.from(name), { ifAbsent: true });
    return true;
  } catch (error) {
    if (!ObjectStoreError.is(error) || error.code !== 'ALREADY_EXISTS') throw error;
    return false; // Somebody else was first; what they put was not touched.
  }
}
const outcomes = await Promise.all(['a', 'b', 'c'].map(becomeLeader));
console.log(outcomes.filter(Boolean).length); // 1

// Replaces the version that was read, and no other. Where `store.capabilities.ifMatch` is true.
async function count(): Promise<void> {
  for (;;) {
    const { bytes, meta } = await store.get('counter');
    const next = Number(Buffer.from(bytes).toString()) + 1;
    try {
      await store.put('counter', Buffer.from(`${next}`), { ifMatch: meta.etag });
      return;
    } catch (error) {
      if (!ObjectStoreError.is(error) || error.code !== 'PRECONDITION_FAILED') throw error;
      // Somebody else counted: read again.
    }
  }
}
await store.put('counter', Buffer.from('0'));
await Promise.all(Array.from({ length: 20 }, count));
const { bytes, meta } = await store.get('counter');
console.log(Buffer.from(bytes).toString()); // 20

// Reads again only what changed.
const unchanged = await store.get('counter', { ifNoneMatch: meta.etag }).catch((error) => error.code);
console.log(unchanged); // NOT_MODIFIED
