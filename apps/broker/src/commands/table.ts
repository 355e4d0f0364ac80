import { catalogUri } from '../catalog/open-catalog.ts';
import { findTable } from './find-table.ts';
import { queryLines } from './query-lines.ts';
import { type CommandFlags, settingsFromFlags } from './settings-from-flags.ts';
import type { Terminal } from './terminal.ts';

/** Prints how to query a topic's table, or that nothing is committed yet. @returns the exit code */
export async function table(
  topic: string,
  flags: CommandFlags,
  terminal: Terminal,
  environment = process.env,
): Promise<number> {
  const settings = settingsFromFlags(flags, environment);
  const found = await findTable(topic, settings.storage);
  if (found === undefined) {
    const age = settings.storage.flush.maxAgeMs / 1000;
    const { catalog } = settings.storage;
    const where = catalog.kind === 'rest' ? catalogUri(settings.storage) : settings.dataDir;
    terminal.out(`Nothing of ${topic} is committed yet in ${where}.`);
    terminal.out(
      `A running broker commits ${age} s after the first message, and when it stops. Only reliable topics have tables.`,
    );
    return 0;
  }
  await found.opened.close();
  for (const line of queryLines(topic, found.table, settings)) terminal.out(line);
  return 0;
}
