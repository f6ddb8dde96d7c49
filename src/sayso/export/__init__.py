"""What others read: event files of TensorBoard, runs of wandb, folders for the hub. Made from results folders alone."""
