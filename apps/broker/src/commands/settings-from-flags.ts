import { resolve } from 'node:path';
import { readConfigFile } from '../config/config-file.ts';
import { type ConfigFlags, resolveConfig } from '../config/resolve-config.ts';
import type { BrokerSettings } from '../config/settings.ts';
import { BrokerError } from '../errors.ts';
import { baseDirectory } from './terminal.ts';

/** The flags every command shares. */
export interface CommandFlags extends ConfigFlags {
  readonly configFile?: string | undefined;
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/** Settings from the configuration file, the flags over it, and `DANUBE_LOG_LEVEL`. @throws BrokerError */
export function settingsFromFlags(
  flags: CommandFlags,
  environment: Readonly<Record<string, string | undefined>>,
): BrokerSettings {
  const baseDir = baseDirectory(environment);
  const file =
    flags.configFile === undefined ? {} : readConfigFile(resolve(baseDir, flags.configFile), environment);
  const settings = resolveConfig(file, flags, { baseDir });
  const wanted = environment['DANUBE_LOG_LEVEL'];
  if (wanted === undefined || wanted === '') return settings;
  const logLevel = levels.find((level) => level === wanted);
  if (logLevel === undefined)
    throw new BrokerError('CONFIG_INVALID', `DANUBE_LOG_LEVEL: expected one of ${levels.join(', ')}.`);
  return { ...settings, logLevel };
}
