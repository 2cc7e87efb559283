/** Floats as Elixir prints them: the shortest digits that read back as the same float, always with a point. */
export function inspectFloat(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1 && size < 1e16) return withPoint(String(value))
  const scientific = value.toExponential().replace('e+', 'e')
  const [digits, exponent] = scientific.split('e') as [string, string]
  const short = `${withPoint(digits)}e${exponent}`
  if (size >= 1e16) return short
  if (value === 0) return '0.0'
  // Below 1 whichever is shorter; JavaScript itself switches at 1e-7, so the plain form is made by hand.
  const sign = value < 0 ? '-' : ''
  const plain = `${sign}0.${'0'.repeat(-Number(exponent) - 1)}${digits.replace(/[-.]/g, '')}`
  return plain.length <= short.length ? plain : short
}

function withPoint(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`
}
