// A test broker as a process, driven by lines on its standard input; for clients in other languages.
// Each line is JSON: {"do": "stop" | "start" | "configure" | "fault" | "health" | "end" | "append" | "state", …}; each gets one line back.
import { createInterface } from 'node:readline';
import { ClientStatus, create, StreamMessageSchema } from '../../src/protocol.ts';
import { TestBroker } from '../support/test-broker.ts';

interface Command {
  readonly do: string;
  readonly topic?: string;
  /** fault: this status for the next `times` calls named `call`. */
  readonly call?: string;
  readonly code?: number;
  readonly times?: number;
  readonly say?: 'ok' | 'close' | 'close-unknown';
  readonly keepIds?: boolean;
  readonly count?: number;
  readonly size?: number;
}

const broker = await new TestBroker().start();
let fault: { call: string; code: number; times: number } | undefined;
let health: 'ok' | 'close' | 'close-unknown' = 'ok';

const planted = (call: string): number | undefined => {
  if (fault === undefined || fault.call !== call || fault.times <= 0) return undefined;
  fault.times -= 1;
  return fault.code;
};
broker.onCall = planted;
broker.onSend = () => {
  const code = planted('SendMessage');
  return code === undefined ? undefined : { answer: code };
};
broker.health = ({ id }) =>
  health === 'close' || (health === 'close-unknown' && !broker.knows(id))
    ? ClientStatus.CLOSE
    : ClientStatus.OK;

async function run(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'stop':
      broker.stop();
      return {};
    case 'start':
      await broker.start();
      return {};
    case 'fault':
      fault = { call: command.call!, code: command.code!, times: command.times ?? Number.POSITIVE_INFINITY };
      return {};
    case 'health':
      health = command.say!;
      return {};
    case 'configure':
      broker.keepIds = command.keepIds ?? false;
      broker.unknownProducer = command.code ?? 5;
      return {};
    case 'end':
      broker.endStreams(command.topic!, command.code);
      return {};
    case 'append':
      for (let i = 0; i < (command.count ?? 1); i += 1) {
        broker.append(
          create(StreamMessageSchema, {
            msgId: { topicName: command.topic! },
            payload: new Uint8Array(command.size ?? 1),
          }),
        );
      }
      return {};
    case 'state': {
      const counts: Record<string, number> = {};
      for (const call of broker.calls) counts[call] = (counts[call] ?? 0) + 1;
      return { counts, stored: command.topic === undefined ? 0 : broker.topic(command.topic).log.length };
    }
    default:
      throw new Error(`unknown command ${command.do}`);
  }
}

console.log(JSON.stringify({ url: broker.url }));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line) as Command)));
}
process.exit(0);
