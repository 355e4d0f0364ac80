import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { onCleanUp } from '../../test/support/clean-up.ts';

test('the first signal is told, one passed on twice or as SIGTERM is one, a second of a kind ends the process at once', async () => {
  const module = fileURLToPath(new URL('./shutdown-signal.ts', import.meta.url));
  const script = `import { shutdownSignal } from ${JSON.stringify(module)};
    void shutdownSignal(() => console.log('second')).then((signal) => console.log(signal));
    console.log('ready'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onCleanUp(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'close');
  expect((await lines.next()).value).toBe('ready');
  child.kill('SIGINT');
  child.kill('SIGINT');
  expect((await lines.next()).value).toBe('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 400));
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect((await lines.next()).value).toBe('second');
  expect(await ended).toEqual([130, null]);
});
