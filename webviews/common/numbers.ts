/** Numbers and times as people read them at a glance. */

export function short(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3).replace(/\.?0+e/, 'e').replace('e+', 'e');
  return String(Number(value.toPrecision(5)));
}

export const whole = (value: number): string => (Number.isInteger(value) ? value.toLocaleString('en-US') : short(value));

/** Two greatest units: "2 h 10 min". */
export function duration(seconds: number): string {
  const rest = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [Math.floor(rest / 86400), Math.floor(rest / 3600) % 24, Math.floor(rest / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes >= 10) return `${minutes} min`;
  if (minutes > 0) return `${minutes} min ${rest % 60} s`;
  return `${rest} s`;
}
