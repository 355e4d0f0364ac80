import { createFileIO, createObjectStoreFactory } from '@danube/objectstore';

const factory = createObjectStoreFactory({
  s3: { region: 'eu-central-1' }, // for every s3:// URL: region, endpoint, credentials …
  localRoots: ['/tmp/danube-warehouse'], // where file: locations may lie
});
const store = await factory.open('memory://scratch/reports'); // file:///abs/dir, s3://bucket/prefix, s3a://…
await store.put('11.json', Buffer.from('{"ok":true}'));

// Files by full location, each in the store of its scheme, bucket or local root.
const io = createFileIO({ factory });
console.log(await io.fileSize('memory://scratch/reports/11.json')); // 11
const failed = await io.deleteFiles(['memory://scratch/reports/11.json', 'no location']);
for (const { location } of failed) console.log(location); // no location

await factory.close();
