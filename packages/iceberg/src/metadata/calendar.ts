/** Division that rounds towards negative infinity; `divisor` is positive. */
export function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}

/** Year of the proleptic Gregorian calendar that the day (counted from 1970-01-01) lies in. */
export function civilYear(epochDay: number): number {
  return civilDate(epochDay).year;
}

/** Months from 1970-01 to the month the day (counted from 1970-01-01) lies in. */
export function civilMonth(epochDay: number): number {
  const { year, month } = civilDate(epochDay);
  return (year - 1970) * 12 + month - 1;
}

/** The day (counted from 1970-01-01) as `2017-11-16`; years of more than four digits, or before 0, carry a sign. */
export function formatDay(epochDay: number): string {
  const { year, month, day } = civilDate(epochDay);
  return `${formatYear(year)}-${twoDigits(month)}-${twoDigits(day)}`;
}

/** A year as ISO 8601 writes it. */
export function formatYear(year: number): string {
  const digits = String(Math.abs(year)).padStart(4, '0');
  return year < 0 ? `-${digits}` : year > 9999 ? `+${digits}` : digits;
}

/** A month, day, hour, minute or second in two digits. */
export function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/**
 * Howard Hinnant's civil_from_days: exact for every day a 64-bit timestamp can name, where `Date` ends at the
 * year 275,760. Years are taken to begin in March, so that the leap day is a year's last.
 */
function civilDate(epochDay: number): { year: number; month: number; day: number } {
  const shifted = epochDay + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
