import { parseArgs } from 'node:util';
import { ack } from './scenarios/ack.ts';

const scenarios = { ack } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '2' } },
});
const scenario = scenarios[positionals[0] as keyof typeof scenarios];
if (scenario === undefined) {
  console.log('npm run bench -- SCENARIO [--rounds 5] [--seconds 2]\n');
  console.log(
    '  ack   producer acknowledgement latency over gRPC at 1 and 16 producers, next to a bare gRPC echo',
  );
  console.log('        and a C write+fdatasync loop, interleaved in one run');
  process.exit(positionals.length === 0 ? 0 : 2);
}
await scenario({ rounds: Number(values.rounds), secondsPerCell: Number(values.seconds) });
