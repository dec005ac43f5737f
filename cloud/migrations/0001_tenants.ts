/**
 * Organizations, people, projects, keys, usage and the audit log.
 *
 * `contextkit_app` is what the program becomes for the data of one organization: it owns nothing, and sees rows of the
 * organization in `app.current_org_id` alone. Once set, the setting is '' (not null) in later transactions of the same
 * connection, and ''::uuid is an error: hence nullif.
 *
 * `contextkit_gate` owns the functions of the schema `gate`. They look across organizations before one is known, and
 * are the only way to do so: to find the organization of a key, and to sign people in.
 */
export const tenants = `
CREATE TABLE organizations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  slug text NOT NULL UNIQUE,
  plan text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'pro', 'team', 'enterprise')),
  -- What an enterprise has agreed on; null: as the plan says.
  requests_per_minute integer CHECK (requests_per_minute BETWEEN 1 AND 100000),
  queries_per_month integer CHECK (queries_per_month > 0),
  stripe_customer_id text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL UNIQUE,
  name text,
  avatar_url text,
  -- Whose word it is that this is the person; null for somebody who has not signed in yet.
  provider text,
  subject text,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (provider, subject)
);

CREATE TABLE org_members (
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, user_id)
);
CREATE INDEX org_members_user ON org_members (user_id);
CREATE UNIQUE INDEX org_members_one_owner ON org_members (org_id) WHERE role = 'owner';

CREATE TABLE invitations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  email text NOT NULL,
  role text NOT NULL CHECK (role IN ('admin', 'member')),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  UNIQUE (org_id, email)
);
CREATE INDEX invitations_email ON invitations (email);

CREATE TABLE projects (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name text NOT NULL,
  slug text NOT NULL,
  description text,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, slug),
  -- What other tables refer to: a reference never leads into another organization.
  UNIQUE (org_id, id)
);

CREATE TABLE api_keys (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name text NOT NULL,
  -- SHA-256 of the whole key, in hexadecimal digits: it is random enough to need no salt.
  key_hash text NOT NULL UNIQUE,
  -- The first 8 characters after ck_.
  key_prefix text NOT NULL,
  scopes jsonb NOT NULL DEFAULT '[]',
  -- Empty: all projects.
  project_ids uuid[] NOT NULL DEFAULT '{}',
  -- The person it acts for, where it came from a sign-in.
  user_id uuid REFERENCES users (id) ON DELETE CASCADE,
  -- Less than the plan allows, so that one key cannot use up what all share; null: as the plan says.
  requests_per_minute integer CHECK (requests_per_minute BETWEEN 1 AND 100000),
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, id)
);
CREATE INDEX api_keys_prefix ON api_keys (key_prefix);
CREATE INDEX api_keys_org ON api_keys (org_id, created_at, id);

CREATE TABLE usage_events (
  id uuid PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  api_key_id uuid REFERENCES api_keys (id) ON DELETE SET NULL,
  event_type text NOT NULL CHECK (event_type IN ('query', 'index', 'sync')),
  -- No reference: what a project used stays when it is deleted.
  project_id uuid,
  tokens_used integer NOT NULL DEFAULT 0,
  duration_ms integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX usage_events_org_created ON usage_events (org_id, created_at);

CREATE TABLE usage_monthly (
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  -- The first day of the month, UTC.
  month date NOT NULL,
  queries integer NOT NULL DEFAULT 0,
  tokens bigint NOT NULL DEFAULT 0,
  storage_bytes bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (org_id, month)
);

-- What the events add up to, by day, project, key and kind; the zero UUID stands for none.
CREATE TABLE usage_daily (
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  day date NOT NULL,
  project_id uuid NOT NULL,
  api_key_id uuid NOT NULL,
  event_type text NOT NULL,
  events integer NOT NULL DEFAULT 0,
  tokens bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (org_id, day, project_id, api_key_id, event_type)
);

CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT now(),
  -- Who did it; both null: the operator of the platform.
  actor_key_id uuid,
  actor_user_id uuid,
  action text NOT NULL,
  target text NOT NULL,
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_org ON audit_log (org_id, id);

CREATE TABLE idempotency_keys (
  org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  api_key_id uuid NOT NULL,
  key text NOT NULL,
  -- Of method, path and body: the same key with another request is a mistake of the caller.
  fingerprint text NOT NULL,
  -- Null while the first request runs.
  status integer,
  body text,
  location text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, api_key_id, key),
  FOREIGN KEY (org_id, api_key_id) REFERENCES api_keys (org_id, id) ON DELETE CASCADE
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (org_id, created_at);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['org_members', 'invitations', 'projects', 'api_keys', 'usage_events', 'usage_monthly',
    'usage_daily', 'audit_log', 'idempotency_keys']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY tenant_isolation ON %I TO contextkit_app
         USING (org_id = nullif(current_setting(''app.current_org_id'', true), '''')::uuid)
         WITH CHECK (org_id = nullif(current_setting(''app.current_org_id'', true), '''')::uuid)', name);
  END LOOP;
END $$;

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON organizations TO contextkit_app
  USING (id = nullif(current_setting('app.current_org_id', true), '')::uuid)
  WITH CHECK (id = nullif(current_setting('app.current_org_id', true), '')::uuid);

-- A person is seen by the organizations they belong to, and changed by their own sign-in alone.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON users FOR SELECT TO contextkit_app
  USING (EXISTS (SELECT FROM org_members m WHERE m.user_id = users.id
    AND m.org_id = nullif(current_setting('app.current_org_id', true), '')::uuid));

GRANT SELECT, INSERT, UPDATE ON organizations TO contextkit_app;
GRANT SELECT ON users TO contextkit_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON org_members, invitations, projects, idempotency_keys TO contextkit_app;
GRANT SELECT, INSERT, UPDATE ON api_keys, usage_monthly, usage_daily TO contextkit_app;
-- What happened is added to, never changed.
GRANT SELECT, INSERT ON usage_events, audit_log TO contextkit_app;

CREATE POLICY gate ON api_keys FOR SELECT TO contextkit_gate USING (true);
CREATE POLICY gate ON organizations FOR SELECT TO contextkit_gate USING (true);
CREATE POLICY gate ON usage_monthly FOR SELECT TO contextkit_gate USING (true);
CREATE POLICY gate ON users TO contextkit_gate USING (true) WITH CHECK (true);
CREATE POLICY gate ON org_members TO contextkit_gate USING (true) WITH CHECK (true);
CREATE POLICY gate ON invitations TO contextkit_gate USING (true) WITH CHECK (true);
CREATE POLICY gate ON audit_log FOR INSERT TO contextkit_gate WITH CHECK (true);
GRANT SELECT ON api_keys, organizations, usage_monthly TO contextkit_gate;
GRANT SELECT, INSERT, UPDATE ON users TO contextkit_gate;
GRANT SELECT, INSERT ON org_members TO contextkit_gate;
GRANT SELECT, DELETE ON invitations TO contextkit_gate;
GRANT INSERT ON audit_log TO contextkit_gate;

SET LOCAL ROLE contextkit_gate;

-- Keys that begin like this one (several are normal), with what decides about a request.
CREATE FUNCTION gate.find_api_keys(prefix text)
RETURNS TABLE (id uuid, org_id uuid, key_hash text, scopes jsonb, project_ids uuid[], user_id uuid,
  expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz, org_slug text, plan text,
  requests_per_minute integer, queries_per_month integer, key_requests_per_minute integer, queries integer,
  role text, is_valid boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT k.id, k.org_id, k.key_hash, k.scopes, k.project_ids, k.user_id, k.expires_at, k.revoked_at, k.last_used_at,
    o.slug, o.plan, o.requests_per_minute, o.queries_per_month, k.requests_per_minute, coalesce(u.queries, 0),
    -- A key of somebody who has left is of no use, whatever else it says. Time is the database's.
    m.role, k.expires_at IS NULL OR k.expires_at > now()
  FROM api_keys k
  JOIN organizations o ON o.id = k.org_id
  LEFT JOIN org_members m ON m.org_id = k.org_id AND m.user_id = k.user_id
  LEFT JOIN usage_monthly u ON u.org_id = k.org_id AND u.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
  WHERE k.key_prefix = prefix
$$;

-- A person of that address, known or new: for founding an organization.
CREATE FUNCTION gate.ensure_user(address text) RETURNS TABLE (id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO users (email) VALUES (address)
  ON CONFLICT (email) DO UPDATE SET email = excluded.email
  RETURNING users.id
$$;

-- Records what the provider says of a person, accepts the invitations to their address, and returns where they belong.
CREATE FUNCTION gate.sign_in(by_provider text, by_subject text, address text, full_name text, avatar text)
RETURNS TABLE (user_id uuid, org_id uuid, org_slug text, org_name text, role text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE person uuid;
BEGIN
  -- A new address that is somebody else's here leaves the person with the one they had.
  UPDATE users u SET name = full_name, avatar_url = avatar,
      email = CASE WHEN EXISTS (SELECT FROM users o WHERE o.email = address AND o.id <> u.id) THEN u.email ELSE address END
    WHERE u.provider = by_provider AND u.subject = by_subject RETURNING u.id INTO person;
  IF person IS NULL THEN
    INSERT INTO users AS u (email, name, avatar_url, provider, subject)
      VALUES (address, full_name, avatar, by_provider, by_subject)
      ON CONFLICT (email) DO UPDATE SET name = excluded.name, avatar_url = excluded.avatar_url,
        provider = excluded.provider, subject = excluded.subject
        -- An address that another account of the provider proved first stays with that account.
        WHERE u.subject IS NULL
      RETURNING u.id INTO person;
  END IF;
  IF person IS NULL THEN RETURN; END IF;

  WITH accepted AS (
    DELETE FROM invitations i WHERE i.email = address AND i.expires_at > now() RETURNING i.id, i.org_id, i.role
  ), joined AS (
    INSERT INTO org_members AS m (org_id, user_id, role) SELECT a.org_id, person, a.role FROM accepted a
    ON CONFLICT ON CONSTRAINT org_members_pkey DO NOTHING
    RETURNING m.org_id, m.role
  )
  INSERT INTO audit_log (org_id, actor_user_id, action, target, details)
    SELECT j.org_id, person, 'member.join', 'user:' || person, jsonb_build_object('role', j.role) FROM joined j;

  RETURN QUERY SELECT person, m.org_id, o.slug, o.name, m.role
    FROM org_members m JOIN organizations o ON o.id = m.org_id
    WHERE m.user_id = person ORDER BY m.created_at, m.org_id;
END $$;

RESET ROLE;
`;
