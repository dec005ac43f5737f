/**
 * What the organizations have indexed.
 *
 * Texts (`file_contents`, their bytes are blobs), what analysis made of them (`file_records`) and vectors
 * (`chunk_vectors`, kept in the store of vectors) are addressed by content. They are written first and seen by nobody;
 * a revision then replaces rows of `indexed_files` in one transaction. What no row names any more is removed later: a
 * row is marked (`deleting_at`), the store forgets it, then the row goes. Nobody may add it again in between.
 */
export const indexes = `
ALTER TABLE projects ADD COLUMN vector_generation bigint NOT NULL DEFAULT 0;
-- Null: not known yet in this month, so it is what it was before.
ALTER TABLE usage_monthly ALTER COLUMN storage_bytes DROP NOT NULL, ALTER COLUMN storage_bytes DROP DEFAULT;
UPDATE usage_monthly SET storage_bytes = NULL WHERE storage_bytes = 0;

CREATE TABLE file_contents (
  org_id uuid NOT NULL,
  project_id uuid NOT NULL,
  -- SHA-256 of the bytes, in hexadecimal digits.
  content_hash text NOT NULL,
  bytes integer NOT NULL,
  -- The blob is there.
  is_stored boolean NOT NULL DEFAULT false,
  -- Somebody counted on it then.
  touched_at timestamptz NOT NULL DEFAULT now(),
  deleting_at timestamptz,
  PRIMARY KEY (org_id, project_id, content_hash),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE
);

CREATE TABLE chunk_vectors (
  org_id uuid NOT NULL,
  project_id uuid NOT NULL,
  -- Of the text that was embedded: 32 hexadecimal digits.
  digest text NOT NULL,
  is_stored boolean NOT NULL DEFAULT false,
  touched_at timestamptz NOT NULL DEFAULT now(),
  deleting_at timestamptz,
  PRIMARY KEY (org_id, project_id, digest),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE
);

CREATE TABLE file_records (
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  -- SHA-256 of the version of the analysis, the path and the hash of the content, in hexadecimal digits.
  key text NOT NULL,
  -- Why the file is not searched; null: it is.
  skip_reason text,
  skip_detail text,
  language text NOT NULL,
  role text NOT NULL,
  chunked_by text NOT NULL,
  line_count integer NOT NULL,
  syntax_errors boolean NOT NULL,
  chunk_count integer NOT NULL,
  symbol_count integer NOT NULL,
  -- Packed, as the local index has them; words have their terms with them.
  chunks bytea NOT NULL,
  symbols bytea NOT NULL,
  links bytea NOT NULL,
  words bytea NOT NULL,
  -- 16 bytes of each chunk.
  digests bytea NOT NULL,
  bytes integer GENERATED ALWAYS AS (octet_length(chunks) + octet_length(symbols) + octet_length(links)
    + octet_length(words) + octet_length(digests)) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, key)
);

CREATE TABLE indexed_files (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id uuid NOT NULL,
  project_id uuid NOT NULL,
  branch text NOT NULL,
  file_path text COLLATE "C" NOT NULL,
  content_hash text NOT NULL,
  record_key text NOT NULL,
  -- Why it is not searched; null: it is.
  skip_reason text,
  language text NOT NULL,
  role text NOT NULL,
  chunked_by text NOT NULL,
  line_count integer NOT NULL,
  chunk_count integer NOT NULL,
  bytes integer NOT NULL,
  indexed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, branch, file_path),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE,
  FOREIGN KEY (org_id, project_id, content_hash) REFERENCES file_contents (org_id, project_id, content_hash),
  FOREIGN KEY (org_id, record_key) REFERENCES file_records (org_id, key)
);
CREATE INDEX indexed_files_content ON indexed_files (org_id, project_id, content_hash);
CREATE INDEX indexed_files_record ON indexed_files (org_id, record_key);

CREATE TABLE revisions (
  org_id uuid NOT NULL,
  project_id uuid NOT NULL,
  branch text NOT NULL,
  -- 1, 2, 3, …
  number integer NOT NULL,
  -- SHA-256 of the lines "path NUL content hash LF" in the order of the paths' bytes.
  root_hash text NOT NULL,
  analysis_version text NOT NULL,
  -- All that are in it, those that are skipped included.
  files integer NOT NULL,
  skipped integer NOT NULL,
  chunks integer NOT NULL,
  lines bigint NOT NULL,
  bytes bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, branch, number),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE
);

CREATE TABLE index_jobs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- The order in which they were asked for.
  number bigint GENERATED ALWAYS AS IDENTITY,
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  -- No reference: what removes the last of a project outlives it.
  project_id uuid NOT NULL,
  branch text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('sync', 'collect', 'purge')),
  api_key_id uuid REFERENCES api_keys (id) ON DELETE SET NULL,
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  -- What it was made for; null: it changes whatever is current.
  base_revision integer,
  -- What the revision must come to; null: nobody said.
  root_hash text,
  files_total integer NOT NULL DEFAULT 0,
  files_processed integer NOT NULL DEFAULT 0,
  chunks_created integer NOT NULL DEFAULT 0,
  -- How often it was taken up without getting on, and how often it failed.
  claims integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  run_after timestamptz NOT NULL DEFAULT now(),
  worker text,
  lease_until timestamptz,
  cancel_requested boolean NOT NULL DEFAULT false,
  revision integer,
  error_code text,
  error_detail text,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  UNIQUE (org_id, id)
);
CREATE INDEX index_jobs_open ON index_jobs (run_after) WHERE status IN ('queued', 'running');
CREATE INDEX index_jobs_project ON index_jobs (project_id, branch, number);

-- What an open job of kind sync changes.
CREATE TABLE index_job_changes (
  org_id uuid NOT NULL,
  job_id uuid NOT NULL,
  file_path text COLLATE "C" NOT NULL,
  -- Null: the file is gone.
  content_hash text,
  record_key text,
  PRIMARY KEY (job_id, file_path),
  FOREIGN KEY (org_id, job_id) REFERENCES index_jobs (org_id, id) ON DELETE CASCADE
);
CREATE INDEX index_job_changes_record ON index_job_changes (org_id, record_key);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['file_contents', 'chunk_vectors', 'file_records', 'indexed_files', 'revisions',
    'index_jobs', 'index_job_changes']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY tenant_isolation ON %I TO contextkit_app
         USING (org_id = nullif(current_setting(''app.current_org_id'', true), '''')::uuid)
         WITH CHECK (org_id = nullif(current_setting(''app.current_org_id'', true), '''')::uuid)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO contextkit_app', name);
  END LOOP;
END $$;

CREATE POLICY gate ON index_jobs TO contextkit_gate USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON index_jobs TO contextkit_gate;

SET LOCAL ROLE contextkit_gate;

-- Gives a worker the next job that is due: one that waits, or one whose worker has not been heard of. Jobs of a branch
-- run one after the other, in their order; organizations with fewer running jobs come first.
CREATE FUNCTION gate.claim_job(by_worker text, lease_seconds integer)
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
        AND o.number < c.number AND o.status IN ('queued', 'running'))
    ORDER BY (SELECT count(*) FROM index_jobs r WHERE r.org_id = c.org_id AND r.status = 'running' AND r.lease_until >= now()),
      c.run_after, c.number
    FOR UPDATE SKIP LOCKED LIMIT 1)
  RETURNING j.id, j.org_id, j.project_id, j.branch, j.kind, j.api_key_id, j.base_revision, j.root_hash, j.claims, j.failures
$$;

-- For a program that has the database to itself: nobody else can be at work, whatever the leases say.
CREATE FUNCTION gate.release_jobs() RETURNS TABLE (id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE index_jobs j SET status = 'queued', worker = NULL, lease_until = NULL WHERE j.status = 'running' RETURNING j.id
$$;

-- What each organization keeps, as it was last counted.
CREATE FUNCTION gate.storage_of_organizations() RETURNS TABLE (org_id uuid, storage_bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT DISTINCT ON (u.org_id) u.org_id, u.storage_bytes FROM usage_monthly u
  WHERE u.storage_bytes IS NOT NULL ORDER BY u.org_id, u.month DESC
$$;

RESET ROLE;
`;
