"""What a person is shown: shared stretches and near copies."""
