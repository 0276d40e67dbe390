"""The notifier: detects milestones, alerts each official once per milestone, and stores delivery receipts."""
