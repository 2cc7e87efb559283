/** The numbers live with the interop tests, which may import nothing from here. */
export { Random } from '../../../interop/support/random.ts'
