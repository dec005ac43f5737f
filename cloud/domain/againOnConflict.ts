import { DatabaseError } from '../ports/database.ts';

const mostTries = 4;

/**
 * Does the transactions of `work` again where the database ended one that stood in the way of another: two that wait for
 * each other, as the deletion of a project and what changes its jobs. Nothing of an ended one is left, so `work` may do
 * nothing outside of them that would count twice.
 */
export async function againOnConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || !error.isConflict || tries === mostTries) throw error;
    }
  }
}
