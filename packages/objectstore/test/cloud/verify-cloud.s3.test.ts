import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tempDir } from '../local/helpers.ts';
import { createBucket, s3Client } from '../support/s3-client.ts';
import { type S3Server, startVersitygw } from '../support/s3-servers.ts';

const root = join(import.meta.dirname, '../../../..');
let server: S3Server;

beforeAll(async () => {
  server = await startVersitygw();
  await createBucket(server, 'judged');
  const client = s3Client(server);
  await client.send(new PutObjectCommand({ Bucket: 'judged', Key: 'mine', Body: 'before' }));
  client.destroy();
}, 60_000);
afterAll(() => server.stop());

/** Runs the command as a person does, with only what is given here to find credentials in. */
function verify(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const known = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const env = {
    ...Object.fromEntries(known),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: '/nonexistent',
    ...more,
  };
  const where = ['s3', '--endpoint', endpoint, '--region', region, '--path-style', '--server-keeps-paths'];
  const child = spawn(process.execPath, ['scripts/launch.mjs', 'verify:cloud', ...where, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, output }));
  return { child, ended, said: () => output };
}

/** The keys in the bucket. */
async function keys(): Promise<(string | undefined)[]> {
  const client = s3Client(server);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'judged' }));
  client.destroy();
  return Contents.map(({ Key }) => Key);
}

const inBucket = ['--bucket', 'judged'];

test('promises that are kept: each is named, the closing line says so, and the bucket is as it was', async () => {
  const { code, output } = await verify([...inBucket, '--prefix', 'some where/', 'INVALID']).ended;
  expect(output).toMatch(/^Verifying s3:\/\/judged\/some where\/danube-verify-[0-9a-f-]{36}\/ on http:/m);
  expect(output).toMatch(/^ok {4}the longest key works with every method/m);
  expect(output).toMatch(/^All \d+ promises kept\.$/m);
  expect(code).toBe(0);
  expect(await keys()).toEqual(['mine']);
});

test('a promise that is not kept is named with its reason, and what it left is removed, too', async () => {
  // versitygw lists U+FFFD instead of such characters, so that even a listing does not show what is to be removed.
  const { code, output } = await verify([...inBucket, 'XML']).ended;
  expect(output).toMatch(/^FAIL {2}characters that XML has not in keys .*: /m);
  expect(output).toMatch(/^1 of 1 promises not kept\.$/m);
  expect(output).not.toContain('could not be removed');
  expect(code).toBe(1);
  expect(await keys()).toEqual(['mine']);
});

test('interrupted, it ends soon with 130 and removes what it has put', async () => {
  const run = verify(inBucket);
  while (!/^ok .*\nok /m.test(run.said()))
    await new Promise((resolve) => run.child.stdout.once('data', resolve));
  run.child.kill('SIGINT');
  const { code, output } = await run.ended;
  expect(output).toMatch(/^Interrupted after \d+ of \d+ promises, 0 not kept\.$/m);
  expect(code).toBe(130);
  expect(await keys()).toEqual(['mine']);
});

test('without credentials, bucket or package it says in a sentence what is missing', async () => {
  const without = async (args: readonly string[], more: Readonly<Record<string, string>>) => {
    const { code, output } = await verify(args, more).ended;
    expect(code, output).not.toBe(0);
    expect(output).not.toMatch(/^\s+at /m);
    expect(output).not.toContain('could not be removed');
    return output;
  };
  const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
  expect(await without(inBucket, none)).toMatch(/^UNAUTHENTICATED: .*AWS_ACCESS_KEY_ID and AWS_SECRET/m);
  expect(await without(['--bucket', 'nowhere'], {})).toMatch(/^BUCKET_NOT_FOUND: .*nowhere/m);
  expect(await without([], {})).toMatch(/^Which bucket\? Say --bucket NAME\./m);
  expect(await without([...inBucket, '--nonsense'], {})).toMatch(/--nonsense/);
  const hook = join(await tempDir(), 'no-sdk.mjs');
  const refuse = `(name, context, next) => {
    if (name.startsWith('@aws-sdk/')) throw Object.assign(new Error('not there'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  }`;
  await writeFile(
    hook,
    `import { registerHooks } from 'node:module';\nregisterHooks({ resolve: ${refuse} });\n`,
  );
  const output = await without(inBucket, { NODE_OPTIONS: `--import=${hook}` });
  expect(output).toMatch(/^NOT_SUPPORTED: .*@aws-sdk\/client-s3/m);
}, 60_000);
