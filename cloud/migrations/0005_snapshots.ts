/**
 * Snapshots: a revision of a branch as one file, for those who start from the index of their team. The bytes are blobs;
 * a row without `ready_at` is one that a job makes, and how that goes is said by the job.
 *
 * A job of the kind `snapshot` holds the files of its revision as its own changes: what they name is kept while it runs,
 * however far the branch moves on. So it need not stand in the way of the syncs of its branch, nor they in its own.
 */
export const snapshots = `
CREATE TABLE snapshots (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- The order in which they were asked for.
  number bigint GENERATED ALWAYS AS IDENTITY,
  org_id uuid NOT NULL,
  project_id uuid NOT NULL,
  branch text NOT NULL,
  revision integer NOT NULL,
  root_hash text NOT NULL,
  analysis_version text NOT NULL,
  -- Whose vectors are in it; null: none are.
  embedding_model text,
  -- As it was before they were read.
  vector_generation bigint NOT NULL DEFAULT 0,
  files integer NOT NULL,
  chunks integer NOT NULL,
  vectors integer NOT NULL DEFAULT 0,
  -- Different texts of chunks that had no vector.
  vectors_missing integer NOT NULL DEFAULT 0,
  job_id uuid NOT NULL,
  -- Where its parts lie below its own folder, how long each is, and what all of them come to.
  folder text,
  parts integer[],
  bytes bigint,
  digest text,
  created_at timestamptz NOT NULL DEFAULT now(),
  ready_at timestamptz,
  -- Nobody is given it any more; it goes then.
  delete_after timestamptz,
  UNIQUE (org_id, id),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE,
  CHECK (ready_at IS NULL OR (folder IS NOT NULL AND parts IS NOT NULL AND bytes IS NOT NULL AND digest IS NOT NULL))
);
CREATE INDEX snapshots_project ON snapshots (project_id, number);
CREATE INDEX snapshots_job ON snapshots (job_id);

ALTER TABLE snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE snapshots FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON snapshots TO contextkit_app
  USING (org_id = nullif(current_setting('app.current_org_id', true), '')::uuid)
  WITH CHECK (org_id = nullif(current_setting('app.current_org_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON snapshots TO contextkit_app;

ALTER TABLE index_jobs DROP CONSTRAINT index_jobs_kind_check;
ALTER TABLE index_jobs ADD CONSTRAINT index_jobs_kind_check CHECK (kind IN ('sync', 'collect', 'purge', 'snapshot'));

SET LOCAL ROLE contextkit_gate;

-- As before, but that snapshots and the other jobs of a branch do not wait for one another.
CREATE OR REPLACE FUNCTION gate.claim_job(by_worker text, lease_seconds integer)
RETURNS TABLE (id uuid, org_id uuid, project_id uuid, branch text, kind text, api_key_id uuid, base_revision integer,
  root_hash text, claims integer, failures integer)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE index_jobs j SET status = 'running', worker = by_worker, lease_until = now() + make_interval(secs => lease_seconds),
    claims = j.claims + 1, started_at = coalesce(j.started_at, now())
  WHERE j.id = (
    SELECT c.id FROM index_jobs c
    WHERE c.status IN ('queued', 'running') AND c.run_after <= now()
      AND (c.status = 'queued' OR c.lease_until < now())
      AND NOT EXISTS (SELECT FROM index_jobs o WHERE o.project_id = c.project_id AND o.branch = c.branch
        AND (o.kind = 'snapshot') = (c.kind = 'snapshot') AND o.number < c.number AND o.status IN ('queued', 'running'))
    ORDER BY (SELECT count(*) FROM index_jobs r WHERE r.org_id = c.org_id AND r.status = 'running' AND r.lease_until >= now()),
      c.run_after, c.number
    FOR UPDATE SKIP LOCKED LIMIT 1)
  RETURNING j.id, j.org_id, j.project_id, j.branch, j.kind, j.api_key_id, j.base_revision, j.root_hash, j.claims, j.failures
$$;

RESET ROLE;
`;
