/** How much work waits, over all organizations: for the measures. */
export const jobQueue = `
SET LOCAL ROLE contextkit_gate;

-- Waiting is what could be at work now: a job that is to be tried again later is not due, one whose worker has died is.
CREATE FUNCTION gate.job_queue() RETURNS TABLE (waiting bigint, running bigint, later bigint, oldest_seconds float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT count(*) FILTER (WHERE is_due), count(*) FILTER (WHERE is_held), count(*) FILTER (WHERE NOT is_due AND NOT is_held),
    coalesce(max(extract(epoch FROM now() - greatest(run_after, created_at))) FILTER (WHERE is_due), 0)::float8
  FROM (
    SELECT run_after, created_at, status = 'running' AND lease_until >= now() AS is_held,
      run_after <= now() AND (status = 'queued' OR lease_until < now()) AS is_due
    FROM index_jobs WHERE status IN ('queued', 'running')) jobs
$$;

RESET ROLE;
`;
