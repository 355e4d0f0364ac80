import { floorDivide, formatDay, formatYear, twoDigits } from '../metadata/calendar.ts';
import type { Transform } from '../metadata/partition-spec.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { parseTransform } from '../metadata/transform.ts';
import { decimalParameters } from '../metadata/type-parameters.ts';

/**
 * A partition value as Iceberg's metadata tables show it: `2026-08-22` for day and for identity of a date,
 * `2026-08-22-10` for hour, `2026-08` for month, `14.20` for a decimal, ISO 8601 for times, Base64 for bytes.
 *
 * @param type the transform's result type
 */
export function formatPartitionValue(
  transform: Transform,
  type: PrimitiveType,
  value: PrimitiveValue,
): string {
  switch (parseTransform(transform).kind) {
    case 'year':
      return formatYear(1970 + Number(value));
    case 'month':
      return formatMonth(Number(value));
    case 'hour':
      return formatHour(Number(value));
    default:
      return formatValue(type, value);
  }
}

function formatMonth(months: number): string {
  const year = Math.floor(months / 12);
  return `${formatYear(1970 + year)}-${twoDigits(months - year * 12 + 1)}`;
}

function formatHour(hours: number): string {
  const day = Math.floor(hours / 24);
  return `${formatDay(day)}-${twoDigits(hours - day * 24)}`;
}

function formatValue(type: PrimitiveType, value: PrimitiveValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  switch (type) {
    case 'date':
      return formatDay(Number(value));
    case 'time':
      return formatTime(value as bigint, 6);
    case 'timestamp':
    case 'timestamptz':
      return formatTimestamp(value as bigint, 6, type === 'timestamptz');
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return formatTimestamp(value as bigint, 9, type === 'timestamptz_ns');
    default: {
      const decimal = decimalParameters(type);
      return decimal ? formatDecimal(value as bigint, decimal.scale) : String(value);
    }
  }
}

function formatTimestamp(value: bigint, fractionDigits: number, utc: boolean): string {
  const perDay = 86_400n * 10n ** BigInt(fractionDigits);
  const day = floorDivide(value, perDay);
  const time = formatTime(value - day * perDay, fractionDigits);
  return `${formatDay(Number(day))}T${time}${utc ? '+00:00' : ''}`;
}

/** `10:12:55`, and the fraction where there is one. */
function formatTime(value: bigint, fractionDigits: number): string {
  const perSecond = 10n ** BigInt(fractionDigits);
  const seconds = Number(value / perSecond);
  const fraction = value % perSecond;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = parts.map(twoDigits).join(':');
  return fraction === 0n ? text : `${text}.${String(fraction).padStart(fractionDigits, '0')}`;
}

function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const negative = unscaled < 0n;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${negative ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
