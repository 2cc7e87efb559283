/** A target with a mistake that random changes alone would not find: one in four thousand million inputs has it. */
export const tokens: readonly Uint8Array[] = []

export function seeds(): Uint8Array[] {
  return [new TextEncoder().encode('a seed')]
}

export function run(bytes: Uint8Array): void {
  if (bytes[0] !== 70) return
  if (bytes[1] !== 85) return
  if (bytes[2] !== 90) return
  if (bytes[3] === 90) throw new Error('planted')
}
