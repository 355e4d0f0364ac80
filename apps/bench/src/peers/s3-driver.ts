// One contender of the scenario `objectstore` in a process of its own, started with fork: s3-driver CONTENDER TARGET,
// TARGET as JSON. It runs a cell for every message and answers with what it cost.
import { randomFillSync } from 'node:crypto';
import type { S3Answer, S3Cell, S3Contender, S3Target } from './s3-cell.ts';
import { openMeasuredS3 } from './s3-clients.ts';
import { runS3Cell } from './s3-loop.ts';

const [contender, target] = process.argv.slice(2) as [S3Contender, string];
const opened = openMeasuredS3(contender, JSON.parse(target) as S3Target);
const answer = (message: S3Answer) => void process.send?.(message);
const prepared = new Set<string>();
const bodies = new Map<number, Uint8Array>();
process.on('message', (cell: S3Cell) => {
  const body = bodies.get(cell.bytes) ?? randomFillSync(new Uint8Array(cell.bytes));
  bodies.set(cell.bytes, body);
  opened
    .then((client) => runS3Cell(client, cell, body, prepared))
    .then(
      (result) => answer({ result }),
      (error: unknown) => answer({ error: String(error) }),
    );
});
process.on('disconnect', () => process.exit());
