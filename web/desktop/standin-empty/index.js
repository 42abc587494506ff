// Voice in a Citrix session is not served; nothing is needed.
