import {
  checkObjectStore,
  createMemoryObjectStore,
  withLimits,
  withMetrics,
  withPrefix,
} from '@danube/objectstore';

const store = createMemoryObjectStore();
await checkObjectStore(store); // before anybody trusts a server: does it do what it declares?

const limited = withLimits(store, { maxConcurrent: 16, maxQueued: 1000, requestsPerSecond: 500 });
const measured = withMetrics(limited, {
  onCall: ({ operation, outcome, bytesIn }) => console.log(operation, outcome, bytesIn), // put ok 11
});
const reports = withPrefix(measured, 'reports/2026');

await reports.put('11.json', Buffer.from('{"ok":true}'));
console.log((await store.head('reports/2026/11.json')).sizeBytes); // 11
