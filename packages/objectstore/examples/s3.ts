import { openS3ObjectStore } from '@danube/objectstore';

// Keys, region and endpoint as the AWS SDK finds them: environment, profile, web identity, instance metadata.
const store = await openS3ObjectStore({ bucket: 'warehouse' });

await store.put('reports/2026/11.json', Buffer.from('{"ok":true}'), { ifAbsent: true });
console.log((await store.head('reports/2026/11.json')).sizeBytes); // 11
await store.close();
