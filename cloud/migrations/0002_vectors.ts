/**
 * Vectors of texts, for installations without a vector store of its own. The extension pgvector is asked for only where
 * the server has it and the role that migrates may create it: a platform that keeps its vectors in Qdrant needs neither.
 *
 * No index but the key: within a project search is exact. An approximate index would look among the vectors of all
 * organizations first, and lose what row-level security takes away afterwards.
 */
export const vectors = `
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
    RAISE NOTICE 'pgvector is not installed: there is no table of vectors';
    RETURN;
  END IF;
  BEGIN
    CREATE EXTENSION IF NOT EXISTS vector;
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pgvector may not be created: there is no table of vectors';
    RETURN;
  END;

  CREATE TABLE project_vectors (
    org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    project_id uuid NOT NULL,
    -- 16 bytes, as a uuid takes half of what their hexadecimal digits would.
    digest uuid NOT NULL,
    -- Of length 1: the inner product is the cosine.
    embedding vector(384) NOT NULL,
    PRIMARY KEY (org_id, project_id, digest),
    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id) ON DELETE CASCADE
  );
  ALTER TABLE project_vectors ENABLE ROW LEVEL SECURITY;
  ALTER TABLE project_vectors FORCE ROW LEVEL SECURITY;
  CREATE POLICY tenant_isolation ON project_vectors TO contextkit_app
    USING (org_id = nullif(current_setting('app.current_org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.current_org_id', true), '')::uuid);
  GRANT SELECT, INSERT, UPDATE, DELETE ON project_vectors TO contextkit_app;
END $$;
`;

/** pgvector may have come to the server, or to the rights of the role, after the step had been applied without it. */
export const vectorsAreMissing = `SELECT to_regclass('public.project_vectors') IS NULL AS is_open`;
