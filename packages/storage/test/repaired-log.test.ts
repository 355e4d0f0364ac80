import { readdir, readFile, writeFile } from 'node:fs/promises';
import { repairWal } from '@danube/wal';
import { expect, it } from 'vitest';
import { createScenario } from './support/scenario.ts';

/** Hazard: a repair gave up records; taking the hole for offsets that were never given out would lose them in silence. */
it('a log that lost records to damage and was repaired is refused, with what is lost and what to do', async () => {
  await using scenario = await createScenario();
  const { storage, log } = await scenario.start();
  await scenario.book.append(log, 3);
  await storage.close();
  const dir = `${scenario.space.dir}/wal`;
  const segment = `${dir}/${(await readdir(dir)).find((name) => name.endsWith('.wal'))}`;
  const bytes = await readFile(segment);
  const payload = bytes.lastIndexOf('DWF1');
  bytes[payload + 100]! ^= 1;
  await writeFile(segment, bytes);
  await expect(scenario.space.open()).rejects.toMatchObject({ code: 'WAL_CORRUPT' });

  const { gaps } = await repairWal(dir, { apply: true });
  expect(gaps).toHaveLength(1);
  await expect(scenario.space.open()).rejects.toMatchObject({ code: 'LOG_INVALID', context: { gaps } });
});
