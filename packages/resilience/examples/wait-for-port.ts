import { once } from 'node:events';
import { connect } from 'node:net';
import { createBackoff, pause } from '@danube/resilience';

const port = Number(process.argv[2] ?? 8080);
const signal = AbortSignal.timeout(10_000);
const backoff = createBackoff({ initialDelayMs: 50, maxDelayMs: 1_000, jitter: 'half' });

while (!(await isOpen(port))) {
  // False: the signal fired.
  if (!(await pause(backoff.next(), signal))) throw new Error(`nobody listens at ${port}`);
}
console.log(`somebody listens after ${backoff.count > 0 ? 'some' : 'no'} waits`);

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const answer = once(socket, 'connect').then(
    () => true,
    () => false,
  );
  return answer.finally(() => socket.destroy());
}
