import { join } from 'node:path';
import { type JudgeProcess, startJudgeProcess } from './judge-process.ts';

/** Starts `reader_judge.py` (PyIceberg, DuckDB, iceberg-rust) with the Python named by DANUBE_PYTHON. */
export function startReaderJudge(): JudgeProcess {
  return startJudgeProcess(process.env.DANUBE_PYTHON ?? 'python3', [
    join(import.meta.dirname, 'reader_judge.py'),
  ]);
}
