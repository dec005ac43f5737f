import type { Transaction } from '../../ports/database.ts';

/** From so many rows on it is no loss to read a whole project for them. */
const many = 300;

/**
 * To be called before statements that join so many rows. A database that has not looked at its tables since they were
 * filled takes the files of a project for one row or two, and compares each with each: minutes for a large project. The
 * embedded one never looks, others at times.
 */
export async function expectRows(tx: Transaction, count: number): Promise<void> {
  if (count >= many) await tx.query('SET LOCAL enable_nestloop = off');
}
