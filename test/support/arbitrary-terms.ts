/** The generator lives with the interop tests, which may import nothing from here. */
export { ArbitraryTerms, randomNumbers, seed } from '../../interop/support/arbitrary-terms.ts'
