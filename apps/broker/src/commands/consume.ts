import { connect } from '@danube/client';
import { shutdownSignal } from './shutdown-signal.ts';
import type { Terminal } from './terminal.ts';

/** Flags of the command. */
export interface ConsumeFlags {
  readonly url: string;
  readonly subscription: string;
  readonly count?: number;
}

/** Prints messages as they come, acknowledging each once it is printed, until a signal or `--count`. @returns the exit code */
export async function consume(topic: string, flags: ConsumeFlags, terminal: Terminal): Promise<number> {
  const told = shutdownSignal(() => {});
  const client = connect({ serviceUrl: flags.url });
  try {
    const consumer = await client.subscribe({
      topic,
      subscription: flags.subscription,
      consumerName: `console-${process.pid}`,
      type: 'exclusive',
    });
    void told.then(() => consumer.close());
    terminal.err(
      `Waiting for messages of ${topic} (subscription ${flags.subscription}: a new one starts with the next message); Ctrl-C ends.\n`,
    );
    let seen = 0;
    for await (const message of consumer) {
      terminal.out(
        `${message.offset}\t${new Date(message.publishTimeMs).toISOString()}\t${Buffer.from(message.payload).toString()}`,
      );
      await consumer.ack(message);
      seen += 1;
      if (seen === flags.count) break;
    }
    return 0;
  } finally {
    await client.close();
  }
}
