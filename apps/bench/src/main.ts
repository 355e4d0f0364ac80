import { parseArgs } from 'node:util';
import { ack } from './scenarios/ack.ts';
import { disk } from './scenarios/disk.ts';
import { icebergCommit } from './scenarios/iceberg-commit.ts';
import { icebergPlan } from './scenarios/iceberg-plan.ts';
import { objectstore } from './scenarios/objectstore.ts';
import { wal } from './scenarios/wal.ts';

const usage = `npm run bench -- SCENARIO [OPTIONS]

  ack   producer acknowledgement latency over gRPC at 1 and 16 producers, next to a bare gRPC echo
        and a C write+fdatasync loop, interleaved in one run
        [--rounds 5] [--seconds 2]
  disk  what the disk charges for a durable append: growing file or over zeros, O_DSYNC or fdatasync
        [--rounds 5]
  iceberg-commit
        CPU of a commit to a table of 250 commits, next to PyIceberg, interleaved in one run
        [--rounds 5]
  iceberg-plan
        planning a table of 10,000 data files with a bounded heap, next to PyIceberg
        [--rounds 5] [--heap 24]
  objectstore
        puts and gets of the S3 store next to the bare AWS SDK on versitygw, interleaved in one run
        [--rounds 15] [--outstanding 1,16] [--bytes 1024,1048576,67108864]
  wal   appends to @danube/wal next to a C loop, Go group commit, etcd wal, NATS JetStream and lmdb-js,
        interleaved in one run; the peers are fetched on the first
        [--rounds 9] [--ms 900] [--only danube,c-loop] [--outstanding 1,16] [--bytes 1024] [--media disk,tmpfs]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    ms: { type: 'string' },
    only: { type: 'string' },
    outstanding: { type: 'string' },
    bytes: { type: 'string' },
    media: { type: 'string' },
    heap: { type: 'string' },
  },
});
const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  ack: () => ack({ rounds: Number(values.rounds ?? 5), secondsPerCell: Number(values.seconds ?? 2) }),
  disk: () => disk({ rounds: Number(values.rounds ?? 5) }),
  'iceberg-commit': () => icebergCommit({ rounds: Number(values.rounds ?? 5) }),
  'iceberg-plan': () =>
    icebergPlan({ rounds: Number(values.rounds ?? 5), heapMiB: Number(values.heap ?? 24) }),
  objectstore: () => objectstore(values),
  wal: () => wal(values),
};
const [name] = positionals;
const scenario = name === undefined ? undefined : scenarios[name];
if (scenario === undefined) {
  console.log(usage);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  await scenario().catch((error: Error) => {
    // What is plainly said, such as a compiler that is missing, needs no stack; a fault of ours does.
    console.error(error.name === 'Error' ? error.message : error);
    process.exitCode = 1;
  });
}
