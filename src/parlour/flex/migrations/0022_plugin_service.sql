-- Plugins of the desktop, their versions, and what is released (flex.md §3.4). Versions, configurations and releases
-- are never changed; what is archived is not used any more.
CREATE TABLE plugin (
    account_sid text NOT NULL REFERENCES account,
    sid text NOT NULL,
    unique_name text NOT NULL,
    friendly_name text NOT NULL,
    description text NOT NULL,
    archived boolean NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, unique_name)
);

CREATE TABLE plugin_version (
    account_sid text NOT NULL,
    sid text NOT NULL,
    plugin_sid text NOT NULL,
    version text NOT NULL,
    plugin_url text NOT NULL,
    changelog text NOT NULL,
    private boolean NOT NULL,
    cli_version text,
    validate_status text,
    archived boolean NOT NULL,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, plugin_sid, version),
    FOREIGN KEY (account_sid, plugin_sid) REFERENCES plugin
);
CREATE UNIQUE INDEX plugin_version_sid ON plugin_version (sid);

CREATE TABLE plugin_configuration (
    account_sid text NOT NULL REFERENCES account,
    sid text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    archived boolean NOT NULL,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

CREATE TABLE plugin_configured (
    account_sid text NOT NULL,
    configuration_sid text NOT NULL,
    plugin_sid text NOT NULL,
    plugin_version_sid text NOT NULL,
    phase integer NOT NULL,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, configuration_sid, plugin_sid),
    FOREIGN KEY (account_sid, configuration_sid) REFERENCES plugin_configuration,
    FOREIGN KEY (account_sid, plugin_version_sid) REFERENCES plugin_version
);

CREATE TABLE plugin_release (
    account_sid text NOT NULL,
    sid text NOT NULL,
    configuration_sid text NOT NULL,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, configuration_sid) REFERENCES plugin_configuration
);
