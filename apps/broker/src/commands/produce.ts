import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect } from '@danube/client';
import type { Terminal } from './terminal.ts';

/** Flags of the command. */
export interface ProduceFlags {
  readonly url: string;
}

/** Publishes texts (or the lines of stdin) to a reliable topic and says how many were acknowledged. @returns the exit code */
export async function produce(
  topic: string,
  texts: readonly string[],
  flags: ProduceFlags,
  terminal: Terminal,
): Promise<number> {
  const client = connect({ serviceUrl: flags.url });
  try {
    const producer = await client.createProducer({
      topic,
      name: `console-${process.pid}`,
      dispatch: 'reliable',
    });
    let acked = 0;
    for await (const text of texts.length > 0 ? texts : linesOfStdin()) {
      await producer.send(Buffer.from(text));
      acked += 1;
    }
    terminal.out(`${acked} message${acked === 1 ? '' : 's'} acknowledged by ${flags.url} on ${topic}.`);
    return 0;
  } finally {
    await client.close();
  }
}

async function* linesOfStdin(): AsyncGenerator<string> {
  const lines = createInterface({ input: process.stdin });
  yield* lines;
  if (!process.stdin.readableEnded) await once(process.stdin, 'end');
}
